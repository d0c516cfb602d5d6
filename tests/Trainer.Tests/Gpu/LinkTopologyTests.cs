using Mcn.Web.TestKit;
using Mcn.Web.Trainer.Gpu;

namespace Mcn.Web.Trainer.Tests.Gpu;

/// <summary>Against the stand-in for NVML; what a driver on real boards answers, only such a machine shows.</summary>
[Collection(NvmlCollection.Name)]
public sealed class LinkTopologyTests : IDisposable
{
    static readonly string[] Three = ["cuda:0", "cuda:1", "cuda:2"];

    readonly TempFolder folder = new();

    [Fact]
    public void One_device_has_nobody_to_meet_and_replicas_on_the_CPU_meet_in_host_memory()
    {
        Assert.Null(LinkTopology.Of(["cuda:0"], folder.File("none.so"), null).Links);
        Assert.Equal("host memory", LinkTopology.Of(["cpu", "cpu"], folder.File("none.so"), null).Links);
    }

    [Theory]
    [InlineData("gpus 4", null, "NVLink (simulated)")]
    [InlineData("gpus 4\ngpu * link pcie", null, "PCIe peer-to-peer (simulated)")]
    [InlineData("gpus 4\ngpu 1 link pcie\ngpu 2 link none", null, "PCIe peer-to-peer: 0-1; host memory: 0-2, 1-2 (simulated)")]
    [InlineData("gpus 4\ngpu 0 link none", "3,2,1", "NVLink (simulated)")] // GPU 0 is not among them
    [InlineData("gpus 4\ngpu 3 link none", "GPU-6d636e00-fa4e-4000-8000-000000000003,0,1", "host memory: 0-1, 0-2; NVLink: 1-2 (simulated)")]
    [InlineData("gpus 2", null, "NVLink: 0-1; unknown: 0-2, 1-2 (simulated)")] // the third is not there
    [InlineData("init 9", null, "unknown (NVML answers Driver Not Loaded (9))")]
    public void Each_pair_of_GPUs_is_told_by_its_best_way(string scenario, string? visible, string expected)
    {
        FakeNvml.Scenario(folder, scenario);
        Assert.Equal(expected, LinkTopology.Of(Three, FakeNvml.Library, visible).Links);
    }

    [Theory]
    [InlineData("gpus 4", null, new[] { 0, 1, 2 })]
    [InlineData("gpus 4", "3,2,1", new[] { 3, 2, 1 })]
    [InlineData("gpus 4", "GPU-6d636e00-fa4e-4000-8000-000000000003,0,1", new[] { 3, 0, 1 })]
    [InlineData("gpus 2", null, new[] { 0, 1, -1 })] // the third is not there
    [InlineData("gpus 4", "", new[] { -1, -1, -1 })] // set and empty: CUDA sees none
    public void Each_rank_is_told_its_board_whatever_of_them_is_visible(string scenario, string? visible, int[] boards)
    {
        FakeNvml.Scenario(folder, scenario);
        Assert.Equal(boards.Select(board => board < 0 ? null : $"GPU-6d636e00-fa4e-4000-8000-00000000000{board}"), LinkTopology.Of(Three, FakeNvml.Library, visible).Boards);
    }

    [Fact]
    public void A_single_GPU_is_told_too_and_the_CPU_has_no_board()
    {
        FakeNvml.Scenario(folder, "gpus 4");
        Assert.Equal(["GPU-6d636e00-fa4e-4000-8000-000000000002"], LinkTopology.Of(["cuda:0"], FakeNvml.Library, "2").Boards);
        Assert.Empty(LinkTopology.Of(["cpu", "cpu"], FakeNvml.Library, null).Boards);
    }

    [Fact]
    public void Without_a_driver_it_is_unknown() =>
        Assert.StartsWith("unknown (", LinkTopology.Of(Three, folder.File("none.so"), null).Links, StringComparison.Ordinal);

    public void Dispose() => folder.Dispose();
}
