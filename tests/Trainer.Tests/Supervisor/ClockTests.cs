using Mcn.Web.Shared.Telemetry;
using Mcn.Web.Trainer.Recording;
using Mcn.Web.Trainer.Supervisor;

namespace Mcn.Web.Trainer.Tests.Supervisor;

/// <summary>Somebody sets the machine's clock: nothing times out, nothing waits longer.</summary>
public sealed class ClockTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(-1)]
    public async Task A_clock_that_jumps_by_a_day_makes_no_hang_and_ends_no_worker(int days)
    {
        await using var fixture = new SupervisorFixture("slow") { HangLimits = new HangLimits(TimeSpan.FromSeconds(20), 20, TimeSpan.FromSeconds(60)) };
        var clock = new JumpingClock();
        fixture.Start(clock);
        await fixture.UntilStateAsync(RunState.Running, "worker");
        clock.Offset = TimeSpan.FromDays(days);
        var before = RecorderReader.Read(fixture.Run.Recorder)!.Heartbeat;
        // The watch looks every 20 ms, at the recorder once a second: after two seconds of marks it has looked.
        await SupervisorFixture.WaitForAsync(() => RecorderReader.Read(fixture.Run.Recorder)!.Heartbeat - before > TimeSpan.FromSeconds(2), "two seconds of marks");
        Assert.Empty(fixture.Journal("supervisor").OfType<WorkerExited>());
        Assert.DoesNotContain(fixture.Journal("supervisor").OfType<Alert>(), alert => alert.Code == "hang");
        Assert.Equal(ExitCodes.SavedAndReleased, await fixture.StopAsync());
        Assert.Null(fixture.Journal("supervisor").OfType<WorkerExited>().Single().Signal); // it was given its grace
    }

    /// <summary>The wall clock can be set; the monotonic one is the machine's.</summary>
    sealed class JumpingClock : TimeProvider
    {
        public TimeSpan Offset { get; set; }

        public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + Offset;
    }
}
