using Mcn.Web.Trainer.Recording;
using Mcn.Web.Trainer.Supervisor;

namespace Mcn.Web.Trainer.Tests.Supervisor;

/// <summary>The pure parts: when to start again, when it hangs, how long to wait.</summary>
public sealed class PolicyTests
{
    static readonly DateTimeOffset Noon = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);
    static readonly RestartPolicy Policy = new();

    [Fact]
    public void Delays_double_and_five_deaths_an_hour_are_enough()
    {
        var deaths = new List<Death>();
        var delays = new List<TimeSpan?>();
        for (var i = 0; i < 6; i++)
        {
            deaths.Add(new Death(Noon.AddMinutes(i), null, 100 + i));
            delays.Add(Policy.Decide(deaths).Delay);
        }

        Assert.Equal([2.0, 4, 8, 16, 32, null], delays.Select(delay => delay?.TotalSeconds));
        deaths.Add(new Death(Noon.AddHours(3), null, 900));
        Assert.Equal(TimeSpan.FromSeconds(2), Policy.Decide(deaths).Delay); // the hour is over
    }

    [Fact]
    public void The_same_step_twice_is_not_tried_a_third_time()
    {
        Assert.Null(Policy.Decide([new Death(Noon, null, 7), new Death(Noon.AddMinutes(1), 24, 7)]).Delay);
        Assert.NotNull(Policy.Decide([new Death(Noon, null, 7), new Death(Noon.AddMinutes(1), 24, 8)]).Delay);
        Assert.NotNull(Policy.Decide([new Death(Noon, null, null), new Death(Noon.AddMinutes(1), null, null)]).Delay);
    }

    [Theory]
    [InlineData(ExitCodes.Usage)]
    [InlineData(ExitCodes.Refused)]
    [InlineData(ExitCodes.BadData)]
    [InlineData(ExitCodes.Numerics)]
    [InlineData(ExitCodes.DeviceMemory)]
    [InlineData(ExitCodes.Storage)]
    public void What_would_only_happen_again_is_given_up_at_once(int exitCode) => Assert.Null(Policy.Decide([new Death(Noon, exitCode, 7)]).Delay);

    [Theory]
    [InlineData(RecorderPhase.Backward, 59, false)]
    [InlineData(RecorderPhase.Backward, 61, true)]
    [InlineData(RecorderPhase.Fetch, 61, true)]
    [InlineData(RecorderPhase.Evaluate, 61, false)]
    [InlineData(RecorderPhase.Checkpoint, 16 * 60, true)]
    public void A_lane_that_stands_still_longer_than_its_phase_allows_is_a_hang(RecorderPhase phase, int seconds, bool hangs) =>
        Assert.Equal(hangs, HeartbeatWatch.Judge(Content(phase, TimeSpan.FromSeconds(1)), Noon, Noon.AddSeconds(seconds), HangLimits.Default) is not null);

    [Fact]
    public void Slow_steps_get_twenty_of_their_own_medians()
    {
        var slow = Content(RecorderPhase.Backward, TimeSpan.FromSeconds(10));
        Assert.Null(HeartbeatWatch.Judge(slow, Noon, Noon.AddSeconds(199), HangLimits.Default));
        Assert.NotNull(HeartbeatWatch.Judge(slow, Noon, Noon.AddSeconds(201), HangLimits.Default));
    }

    [Fact]
    public void A_worker_without_a_recorder_gets_the_time_of_a_slow_start()
    {
        Assert.Null(HeartbeatWatch.Judge(null, Noon, Noon.AddMinutes(14), HangLimits.Default));
        Assert.NotNull(HeartbeatWatch.Judge(null, Noon, Noon.AddMinutes(16), HangLimits.Default));
    }

    [Fact]
    public void The_link_waits_half_a_second_first_and_never_more_than_fifteen() =>
        Assert.Equal([0.5, 1, 2, 4, 8, 15, 15], Enumerable.Range(1, 7).Select(failures => LinkBackoff.After(failures).TotalSeconds));

    /// <summary>Three completed steps, then one mark at noon.</summary>
    static RecorderContent Content(RecorderPhase phase, TimeSpan step)
    {
        RecorderMark Mark(int sequence, TimeSpan ago, RecorderPhase of) => new(sequence, Noon - ago, of, sequence, 0, null, []);
        return new RecorderContent
        {
            Run = "r", Incarnation = 1, ProcessId = 1, Started = Noon.AddHours(-1), Heartbeat = Noon, CleanEnd = false, LastWords = null,
            Lanes = [new LaneContent("rank 0", 0, [Mark(1, step * 3, RecorderPhase.StepDone), Mark(2, step * 2, RecorderPhase.StepDone), Mark(3, step, RecorderPhase.StepDone), Mark(4, TimeSpan.Zero, phase)])],
        };
    }
}
