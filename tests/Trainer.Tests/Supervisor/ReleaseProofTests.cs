using Mcn.Web.Shared.Commands;
using Mcn.Web.Shared.Telemetry;
using Mcn.Web.TestKit;
using Mcn.Web.Trainer.Gpu;
using Mcn.Web.Trainer.Host;
using Mcn.Web.Trainer.Recording;
using Mcn.Web.Trainer.Supervisor;
using Mcn.Web.Trainer.Tests.Gpu;

namespace Mcn.Web.Trainer.Tests.Supervisor;

/// <summary>That the memory of a released worker is free is seen, not believed. The driver is a stand-in; the processes are real.</summary>
[Collection(NvmlCollection.Name)]
public sealed class ReleaseProofTests : IDisposable
{
    const long MiB = 1 << 20;

    readonly TempFolder folder = new();

    [Theory]
    [InlineData(400, "released_gpus", "4 GPUs: 86000 MiB in use before, 1600 MiB now")]
    [InlineData(9000, "released_others", "GPUs: 86000 MiB in use before, 36000 MiB now, which others hold")]
    public async Task A_released_workers_memory_on_the_gpus_is_read_before_and_after(int others, string code, string text)
    {
        var worker = folder.File("worker");
        FakeNvml.Scenario(folder, $"gpu * memory_used {others}\nwhile {worker} gpu * memory_used 21500\n");
        using var gpus = new GpuSampler(TimeProvider.System, FakeNvml.Library, TimeSpan.FromSeconds(10));
        var host = new HostSampler([], TimeProvider.System);
        await using var fixture = new SupervisorFixture("slow") { Probe = new MachineProbe(gpus.Sample, host.Sample, _ => [], () => []) };
        fixture.Start();
        await fixture.UntilStateAsync(RunState.Running, "worker");
        var process = RecorderReader.Read(fixture.Run.Recorder)!.ProcessId;
        File.CreateSymbolicLink(worker, $"/proc/{process}"); // there as long as the process is
        await SupervisorFixture.WaitForAsync(() => fixture.Journal("supervisor").OfType<GpuSample>().Any(sample => sample.Gpus.All(gpu => gpu.MemoryUsedBytes == 21500 * MiB)), "a sample with the worker");

        var command = new RunCommand("release-1", null, CommandVerb.Release, null, "test", TimeProvider.System.GetUtcNow(), TimeSpan.FromMinutes(1), 1);
        Assert.True((await fixture.Service.Desk.ExecuteAsync(command)).Accepted);
        var released = await fixture.UntilStateAsync(RunState.Released);

        Assert.Equal(code, released.Reason!.Code);
        Assert.StartsWith($"process {process} is gone, ", released.Detail, StringComparison.Ordinal);
        Assert.EndsWith(text, released.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void What_cannot_be_read_is_not_called_free()
    {
        var before = new ReleaseProof(null, Gpus(21500 * MiB));
        Assert.Equal("release_unproven", before.Against(7, processIsGone: false, null, Gpus(400 * MiB)).Code);
        Assert.Equal("released_host", before.Against(7, true, null, null).Code);
        Assert.Equal("released_host", before.Against(7, true, null, Gpus(400 * MiB) with { Unavailable = "the driver hangs" }).Code);
        Assert.Equal("released_others", before.Against(7, true, null, Gpus(null)).Code);
        Assert.Equal("released_gpus", before.Against(7, true, null, Gpus(400 * MiB)).Code);
    }

    static GpuSample Gpus(long? used) => new() { Simulated = true, Gpus = [new GpuReading(0, "u", "A100", used, 40960 * MiB, 3, 4, 5, [])] };

    public void Dispose() => folder.Dispose();
}
