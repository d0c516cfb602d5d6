using Mcn.Web.Shared.Telemetry;
using Mcn.Web.Trainer.Recording;
using Mcn.Web.Trainer.Supervisor;

namespace Mcn.Web.Trainer.Tests.Supervisor;

/// <summary>The daemon as a process of its own.</summary>
public sealed class ServeProcessTests
{
    static string[] Serve(string data) => ["dotnet", Path.Combine(AppContext.BaseDirectory, "Mcn.Web.Trainer.dll"), "serve", "--data", data];

    [Fact]
    public async Task The_daemon_maps_no_libtorch_and_leaves_with_0_on_sigterm()
    {
        await using var fixture = new SupervisorFixture("slow");
        using var daemon = Start(fixture);
        await fixture.UntilStateAsync(RunState.Running, "worker");

        var maps = await File.ReadAllTextAsync($"/proc/{daemon.ProcessId}/maps");
        Assert.Contains("libcoreclr", maps, StringComparison.Ordinal); // it is a .NET process that we look at
        Assert.DoesNotContain("torch", Names(maps), StringComparison.OrdinalIgnoreCase);

        daemon.Signal(NativeSpawn.SigTerm);
        Assert.Equal(new WorkerEnd(ExitCodes.SavedAndReleased, null), await daemon.Ended.WaitAsync(TimeSpan.FromSeconds(30)));
    }

    [Fact]
    public async Task A_daemon_that_is_killed_takes_its_worker_along_in_order()
    {
        await using var fixture = new SupervisorFixture("slow");
        using var daemon = Start(fixture);
        await fixture.UntilStateAsync(RunState.Running, "worker");

        daemon.Signal(NativeSpawn.SigKill);
        Assert.Equal(9, (await daemon.Ended.WaitAsync(TimeSpan.FromSeconds(30))).Signal);
        await SupervisorFixture.WaitForAsync(() => RecorderReader.Read(fixture.Run.Recorder)!.CleanEnd, "the worker's clean end");
        await SupervisorFixture.WaitForAsync(() => !RunLock.IsHeld(fixture.Run.Lock), "the run's lock");
        Assert.False(RunLock.IsHeld(fixture.Trainer.Lock));
    }

    static WorkerProcess Start(SupervisorFixture fixture)
    {
        var environment = new Dictionary<string, string>(WorkerEnvironment.Create()) { ["MCN_WORKER_COMMAND"] = string.Join(' ', SupervisorFixture.DummyCommand) };
        return WorkerProcess.Start(Serve(fixture.Data), environment, (_, _) => { });
    }

    /// <summary>File names only: a folder of the checkout may be called anything.</summary>
    static string Names(string maps) => string.Join('\n', maps.Split('\n').Select(line => Path.GetFileName(line.Split(' ')[^1])));
}
