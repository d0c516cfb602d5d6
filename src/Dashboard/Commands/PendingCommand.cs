using Mcn.Web.Shared.Commands;

namespace Mcn.Web.Dashboard.Commands;

/// <summary>How far a command is. Only the trainer's own words make it <see cref="Done"/>.</summary>
public enum CommandProgress
{
    /// <summary>Sent, nothing heard.</summary>
    Sent,

    /// <summary>The trainer will do it.</summary>
    Accepted,

    /// <summary>The run's state says that it is done.</summary>
    Done,

    /// <summary>The trainer will not do it.</summary>
    Refused,

    /// <summary>No answer by the deadline; one may still come.</summary>
    NoAnswer,

    /// <summary>It could not be sent: the link broke.</summary>
    Undelivered,
}

/// <summary>A command that somebody gave, immutable; a new one replaces it as things move on.</summary>
public sealed record PendingCommand(RunCommand Command, CommandProgress Progress, string? Code, string? Text, DateTimeOffset Deadline)
{
    /// <summary>Nothing is known to be final: the button keeps saying so.</summary>
    public bool IsOpen => Progress is CommandProgress.Sent or CommandProgress.Accepted or CommandProgress.NoAnswer;
}
