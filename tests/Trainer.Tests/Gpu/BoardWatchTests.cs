using Mcn.Web.Shared;
using Mcn.Web.TestKit;
using Mcn.Web.Trainer.Gpu;

namespace Mcn.Web.Trainer.Tests.Gpu;

/// <summary>Against the stand-in for NVML; what a driver on real boards answers, only such a machine shows.</summary>
[Collection(NvmlCollection.Name)]
public sealed class BoardWatchTests : IDisposable
{
    const long MiB = 1 << 20;

    readonly TempFolder folder = new();

    [Fact]
    public void Each_device_is_read_with_the_processes_on_it()
    {
        FakeNvml.Scenario(folder, """
            gpus 2
            gpu * memory_used 700
            gpu 1 memory_used 21500
            gpu 1 process 4711 20000
            gpu 1 process 4712 1000
            gpu 1 process 4712 1100        # the later line
            gpu 1 process 4713 unsupported
            """);
        using var watch = new BoardWatch(["cuda:0", "cuda:1"], FakeNvml.Library, null);

        var boards = watch.Read();

        Assert.True(watch.Simulated);
        Assert.Equal([("cuda:0", 700 * MiB), ("cuda:1", 21500 * MiB)], boards.Select(board => (board.Device, board.UsedBytes)));
        Assert.Empty(boards[0].Processes);
        Assert.Equal([(4711, 20000 * MiB), (4712, 1100 * MiB), (4713, (long?)null)], boards[1].Processes.OrderBy(process => process.Key).Select(process => (process.Key, process.Value)));
    }

    [Theory]
    [InlineData(null, 100)]
    [InlineData("2,1", 300)]
    [InlineData("GPU-6d636e00-fa4e-4000-8000-000000000001,0", 200)]
    public void The_boards_are_counted_as_CUDA_VISIBLE_DEVICES_says(string? visible, long expected)
    {
        FakeNvml.Scenario(folder, "gpus 3\ngpu 0 memory_used 100\ngpu 1 memory_used 200\ngpu 2 memory_used 300");
        using var watch = new BoardWatch(["cuda:0"], FakeNvml.Library, visible);
        Assert.Equal(expected * MiB, watch.Read()[0].UsedBytes);
    }

    [Theory]
    [InlineData("init 9", null, "cuda:0: no GPU on this machine: the NVIDIA driver is not loaded; expected a GPU whose memory NVML can read")]
    [InlineData("gpus 1", null, "cuda:1: 1 GPUs on this machine and none of them is this one; expected")]
    [InlineData("gpus 4", "3", "cuda:1: 4 GPUs on this machine and none of them is this one (CUDA_VISIBLE_DEVICES=3); expected")]
    [InlineData("gpus 2\ngpu 1 memory_used unsupported", null, "cuda:1: NVIDIA A100-SXM4-40GB does not tell its memory; expected")]
    [InlineData("gpus 2\nat 0s gpu 1 lost", null, "cuda:1: the board does not tell its memory; expected")]
    public void A_board_that_cannot_be_read_is_named_with_the_reason(string scenario, string? visible, string expected)
    {
        FakeNvml.Scenario(folder, scenario);
        using var watch = new BoardWatch(["cuda:0", "cuda:1"], FakeNvml.Library, visible);
        Assert.StartsWith(expected, Assert.Throws<UserError>(watch.Read).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_a_driver_the_library_is_named()
    {
        using var watch = new BoardWatch(["cuda:0"], folder.File("none.so"), null);
        Assert.Contains("none.so", Assert.Throws<UserError>(watch.Read).Message, StringComparison.Ordinal);
    }

    public void Dispose() => folder.Dispose();
}
