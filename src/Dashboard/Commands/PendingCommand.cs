using Mcn.Web.Shared.Commands;

namespace Mcn.Web.Dashboard.Commands;

/// <summary>How far a command is. Only the trainer's own words make it <see cref="Done"/> or <see cref="Failed"/>.</summary>
public enum CommandProgress
{
    /// <summary>The trainer is not there: stored, and delivered when it is back, unless it expires before.</summary>
    Waiting,

    /// <summary>Sent, nothing heard.</summary>
    Sent,

    /// <summary>Sent several times, no answer; it is sent again on the trainer's next connection.</summary>
    NoAnswer,

    /// <summary>The trainer will do it.</summary>
    Accepted,

    /// <summary>The run says that it is done.</summary>
    Done,

    /// <summary>It was begun and could not be done.</summary>
    Failed,

    /// <summary>The trainer will not do it.</summary>
    Refused,

    /// <summary>It was not delivered in time, and will not be.</summary>
    Expired,

    /// <summary>A newer wish for the run took its place.</summary>
    Superseded,

    /// <summary>Taken back before it was delivered.</summary>
    Withdrawn,
}

/// <summary>A command that somebody gave, immutable; a new one replaces it as things move on.</summary>
/// <param name="Command">As given; how long it is good for at a delivery follows from <paramref name="NotAfter"/>.</param>
/// <param name="Trainer">Of a Start; otherwise the run tells where it goes.</param>
/// <param name="Code">Of the answer or the end.</param>
/// <param name="Text">In English.</param>
/// <param name="NotAfter">By this program's clock.</param>
/// <param name="Changed">When it got as far as this.</param>
public sealed record PendingCommand(
    RunCommand Command, string? Trainer, CommandProgress Progress, string? Code, string? Text, DateTimeOffset NotAfter, DateTimeOffset Changed)
{
    /// <summary>Nothing is known to be final: the button keeps saying so.</summary>
    public bool IsOpen => IsUndelivered || Progress == CommandProgress.Accepted;

    /// <summary>No answer of a trainer is known.</summary>
    public bool IsUndelivered => Progress is CommandProgress.Waiting or CommandProgress.Sent or CommandProgress.NoAnswer;
}

/// <summary>What a run is meant to do, as this dashboard has last been told.</summary>
/// <param name="Generation">Only grows; the trainer refuses an older one.</param>
public sealed record DesiredState(string Run, long Generation, RunTarget Target, string CommandId, string SetBy, DateTimeOffset SetAt);
