using Mcn.Web.TestKit;
using Mcn.Web.Trainer.Gpu;
using Mcn.Web.Trainer.Host;
using Mcn.Web.Trainer.Host.Checks;
using Mcn.Web.Trainer.Tests.Gpu;

namespace Mcn.Web.Trainer.Tests.Host.Checks;

/// <summary>Against the stand-in for NVML; what a driver on real boards answers, only such a machine shows.</summary>
[Collection(NvmlCollection.Name)]
public sealed class GpuChecksTests : IDisposable
{
    const string Idle = "gpus 2\ngpu * memory_used 600\ngpu * temperature 40\n";

    readonly TempFolder folder = new();

    [Fact]
    public void Sound_boards_are_all_ok_and_called_simulated()
    {
        var checks = Judge(Idle);
        Assert.All(checks, check => Assert.True(check.State == CheckState.Ok, check.ToString()));
        Assert.Equal(["gpu-driver", "gpu-build", "cuda-visible-devices", "gpu-links", "gpu-persistence", "gpu-0", "gpu-0-memory-errors", "gpu-1", "gpu-1-memory-errors"], checks.Select(check => check.Id));
        Assert.Equal("driver 570.86.15, 2 GPUs (simulated)", checks[0].Found);
        Assert.All(checks.Where(check => check.Id.StartsWith("gpu-0", StringComparison.Ordinal)), check => Assert.Contains("(simulated)", check.Found, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("at 0s gpu 1 lost", "gpu-1", CheckState.Fail, "lost", "Reboot")]
    [InlineData("gpu 1 memory_used 15000\ngpu 1 process 4711 14000", "gpu-1", CheckState.Warning, "14.6 GiB of 40 GiB in use, by process 4711 (13.7 GiB)", "end it")]
    [InlineData("gpu 1 memory_used 15000", "gpu-1", CheckState.Warning, "14.6 GiB of 40 GiB in use", "end it")] // in a container the driver names nobody
    [InlineData("gpu 1 memory_used unsupported", "gpu-1", CheckState.Unknown, "does not tell its memory", "nvidia-smi")]
    [InlineData("gpu 1 temperature 90", "gpu-1", CheckState.Warning, "90 °C", "fans")]
    [InlineData("gpu 1 throttle 96", "gpu-1", CheckState.Warning, "slowed down (heat, heat, by hardware)", "cooling")]
    [InlineData("gpu 1 compute_mode 2", "gpu-1", CheckState.Fail, "nobody may compute", "-c DEFAULT")]
    [InlineData("gpu 1 compute_mode 3\ngpu 1 process 4711 10", "gpu-1", CheckState.Fail, "exclusive and taken", "-c DEFAULT")]
    [InlineData("gpu 1 ecc_errors 3", "gpu-1-memory-errors", CheckState.Warning, "3 uncorrectable errors", "--gpu-reset -i 1")]
    [InlineData("gpu 1 rows_pending 1", "gpu-1-memory-errors", CheckState.Warning, "waits", "--gpu-reset -i 1")]
    [InlineData("gpu 1 rows_failed 1", "gpu-1-memory-errors", CheckState.Fail, "could not be replaced", "replaced")]
    [InlineData("gpu 1 ecc_errors unsupported\ngpu 1 rows_failed unsupported", "gpu-1-memory-errors", CheckState.Unknown, "does not tell", "nvidia-smi")]
    [InlineData("gpu 1 persistence 0", "gpu-persistence", CheckState.Warning, "off on 1", "nvidia-persistenced")]
    [InlineData("gpu * persistence unsupported", "gpu-persistence", CheckState.Unknown, "does not tell", "nvidia-smi")]
    [InlineData("gpu 1 link none", "gpu-links", CheckState.Warning, "host memory", "topo -m")]
    [InlineData("cuda 12020", "gpu-build", CheckState.Warning, "driver takes CUDA 12.2", "570")]
    [InlineData("cuda 11080", "gpu-build", CheckState.Fail, "driver takes CUDA 11.8", "Update the driver")]
    public void What_is_wrong_with_one_board_is_told_of_that_board_alone(string line, string id, CheckState state, string found, string remedy)
    {
        var check = Assert.Single(Judge(Idle + line), one => one.State != CheckState.Ok);
        Assert.Equal((id, state), (check.Id, check.State));
        Assert.Contains(found, check.Found, StringComparison.Ordinal);
        Assert.Contains(remedy, check.Remedy, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("at 0s gpu 1 lost")]
    [InlineData("gpu 1 rows_failed 1")]
    [InlineData("cuda 11080")]
    public void What_nobody_asked_for_is_a_warning_and_no_fail(string line) =>
        Assert.DoesNotContain(Judge(Idle + line, wanted: false), check => check.State == CheckState.Fail);

    [Theory]
    [InlineData("init 18", true, CheckState.Fail)] // the driver was updated under a running kernel module
    [InlineData("init 18", false, CheckState.Warning)]
    [InlineData("init 9", true, CheckState.Fail)]
    [InlineData("gpus 0", true, CheckState.Fail)]
    public void A_driver_that_does_not_answer_is_told_with_its_reason(string scenario, bool wanted, CheckState state)
    {
        var check = Judge(scenario, wanted)[0];
        Assert.Equal(("gpu-driver", state), (check.Id, check.State));
        if (scenario == "init 18") Assert.Contains("reboot", check.Found, StringComparison.Ordinal);
        Assert.Contains("nvidia-smi", check.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void On_a_machine_without_GPU_the_CPU_build_lacks_nothing_until_one_is_asked_for()
    {
        var none = GpuBox.Read(folder.File("none.so"));
        Assert.All(new GpuChecks(wanted: false, cudaBuild: false, boardsOnBus: 0).Judge(none, null, null, []), check => Assert.Equal(CheckState.Ok, check.State));
        Assert.Equal(["gpu-driver", "gpu-build"], new GpuChecks(wanted: true, cudaBuild: false, boardsOnBus: 0).Judge(none, null, null, []).Where(check => check.State == CheckState.Fail).Select(check => check.Id));
        Assert.Equal(["gpu-driver", "gpu-build"], new GpuChecks(wanted: false, cudaBuild: false, boardsOnBus: 4).Judge(none, null, null, []).Where(check => check.State == CheckState.Warning).Select(check => check.Id));
    }

    [Theory]
    [InlineData("0,1", null, CheckState.Ok, "2 of 2")]
    [InlineData("GPU-6d636e00-fa4e-4000-8000-000000000001", "PCI_BUS_ID", CheckState.Ok, "1 of 2")]
    [InlineData("0,7,1", null, CheckState.Fail, "'7' is no board of 2; CUDA sees 1")] // what stands behind it is hidden, too
    [InlineData("", null, CheckState.Fail, "CUDA sees no GPU")]
    [InlineData("1,1", null, CheckState.Fail, "twice")]
    [InlineData("MIG-1234", null, CheckState.Fail, "MIG")]
    [InlineData("0", "FASTEST_FIRST", CheckState.Warning, "CUDA_DEVICE_ORDER")]
    public void CUDA_VISIBLE_DEVICES_is_compared_with_the_boards(string visible, string? order, CheckState state, string found)
    {
        var check = Judge(Idle, visible: visible, order: order).Single(one => one.Id == "cuda-visible-devices");
        Assert.Equal(state, check.State);
        Assert.Contains(found, check.Found, StringComparison.Ordinal);
    }

    [Fact]
    public void A_device_of_the_configuration_that_is_not_there_is_a_fail()
    {
        var check = Judge(Idle, devices: ["cuda:0", "cuda:2", "cuda:3"]).Single(one => one.Id == "config-devices");
        Assert.Equal((CheckState.Fail, "cuda:2, cuda:3: none of the 2 boards (simulated)"), (check.State, check.Found));
        Assert.Equal(CheckState.Ok, Judge(Idle, devices: ["cuda:0", "cuda:1"]).Single(one => one.Id == "config-devices").State);
    }

    [Fact]
    public void A_container_with_boards_and_without_the_nodes_that_CUDA_opens_is_found_out()
    {
        File.WriteAllText(folder.File("nvidiactl"), "");
        var checks = new GpuChecks(wanted: true, cudaBuild: true, boardsOnBus: 1);
        var check = checks.JudgeNodes(GpuChecks.ReadNodes(folder.File("nvidiactl"), folder.File("nvidia-uvm")));
        Assert.Equal((CheckState.Fail, folder.File("nvidia-uvm") + ": not there"), (check.State, check.Found));
        Assert.Contains("nvidia-modprobe", check.Remedy, StringComparison.Ordinal);
        Assert.Equal(CheckState.Ok, checks.JudgeNodes(GpuChecks.ReadNodes(folder.File("nvidiactl"))).State);
    }

    [Fact]
    public void Boards_on_the_bus_are_counted_by_vendor_and_class()
    {
        foreach (var (device, vendor, kind) in new[] { ("a", "0x10de", "0x030200"), ("b", "0x10de", "0x040300"), ("c", "0x8086", "0x030000"), ("d", "0x10de", "0x030000") })
        {
            Directory.CreateDirectory(folder.File(device));
            File.WriteAllText(folder.File(device + "/vendor"), vendor + "\n");
            File.WriteAllText(folder.File(device + "/class"), kind + "\n");
        }

        Assert.Equal(2, GpuChecks.CountOnBus(folder.Path)); // not the audio function, not the other vendor
        Assert.Equal(0, GpuChecks.CountOnBus(folder.File("none")));
    }

    public void Dispose() => folder.Dispose();

    List<Check> Judge(string scenario, bool wanted = true, string? visible = null, string? order = null, string[]? devices = null)
    {
        FakeNvml.Scenario(folder, scenario);
        var checks = new GpuChecks(wanted, cudaBuild: true, boardsOnBus: 0).Judge(GpuBox.Read(FakeNvml.Library), visible, order, devices ?? []).ToList();
        Assert.All(checks, check => Assert.Equal(check.State == CheckState.Ok, check.Remedy.Length == 0));
        return checks;
    }
}
