using Mcn.Web.Shared.Commands;
using Mcn.Web.Shared.Crashes;
using Mcn.Web.Shared.Telemetry;

namespace Mcn.Web.Trainer.Supervisor;

/// <summary>What the end of a worker means for its run. Pure.</summary>
/// <param name="IsCrash">The end was no order of anybody's.</param>
sealed record Settled(bool IsCrash, RunState State, CodedText? Reason = null)
{
    public static readonly CodedText DaemonEnds = new("daemon_ends", "the daemon ends; the run goes on when it is back");

    static readonly CodedText AskedToLeave = new("asked_to_leave", "somebody else asked the worker to leave; it goes on");

    /// <param name="hangs">It was ended for standing still.</param>
    /// <param name="saved">It had saved in order to be released.</param>
    /// <param name="leaving">The daemon ends.</param>
    public static Settled Of(WorkerEnd end, bool hangs, bool finished, bool saved, RunTarget target, bool leaving)
    {
        var inOrder = !hangs && end.ExitCode is ExitCodes.Done or ExitCodes.SavedAndReleased;
        if (inOrder && finished) return new Settled(false, RunState.Finished);
        // Whatever ended it after that: its state is on disk, verified, and it is gone.
        if (saved && target == RunTarget.Released) return new Settled(false, RunState.Released);
        if (inOrder && target == RunTarget.Stopped) return new Settled(false, RunState.Stopped);
        if (!hangs && end.ExitCode == ExitCodes.SavedAndReleased) return new Settled(false, RunState.Stopped, leaving ? DaemonEnds : AskedToLeave);
        return new Settled(true, RunState.Crashed);
    }
}
