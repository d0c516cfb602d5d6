using System.Text.Json.Serialization;

namespace Mcn.Web.Shared.Commands;

/// <summary>What people can ask of a trainer.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<CommandVerb>))]
public enum CommandVerb
{
    /// <summary>Start a run from a configuration (the text of the file is the argument).</summary>
    Start,

    /// <summary>Stand still at the next step boundary and keep the GPU memory.</summary>
    Hold,

    /// <summary>Go on.</summary>
    Resume,

    /// <summary>Save, end the worker, prove that its memory is free. It goes on with <see cref="Resume"/>.</summary>
    Release,

    /// <summary>Save now, go on.</summary>
    CheckpointNow,

    /// <summary>Evaluate at the next step boundary, go on.</summary>
    EvaluateNow,

    /// <summary>Turn a live knob (<see cref="KnobChange"/> as JSON is the argument).</summary>
    Set,

    /// <summary>Keep a checkpoint whatever the rules of retention say, or leave it to them again (<see cref="CheckpointPin"/>).</summary>
    Pin,

    /// <summary>Begin a new run with the state of a checkpoint of this one (<see cref="BranchPoint"/>).</summary>
    Branch,

    /// <summary>Put a checkpoint where the dashboard waits for it (<see cref="CheckpointOrder"/>).</summary>
    SendCheckpoint,

    /// <summary>Save and end.</summary>
    Stop,

    /// <summary>End without saving.</summary>
    StopWithoutSaving,
}

/// <summary>
/// A command on its way. The id makes it idempotent: whoever sees it twice gives the same answer. No clock of the issuer is compared
/// with one of the receiver: how long it is good for is a duration, counted by the receiver from the moment it has it.
/// </summary>
/// <param name="CommandId">Unique; sorts by time.</param>
/// <param name="RunId">The run it is for; null for Start, and from the socket: the loaded one.</param>
/// <param name="Verb">What is asked.</param>
/// <param name="Argument">Start: the configuration's JSON text; Set, Pin, Branch, SendCheckpoint: what the verb names, as JSON; otherwise null.</param>
/// <param name="IssuedBy">User name, or <see cref="Local"/>.</param>
/// <param name="IssuedAt">UTC, by the issuer's clock: for people.</param>
/// <param name="ValidFor">At this delivery; once it is over the command expires instead of being carried out. Zero or less: it has.</param>
/// <param name="Generation">Of the wish it makes (<see cref="VerbRules.Wish"/>); an older one than the newest seen is superseded. 0: the receiver counts on.</param>
/// <param name="IssuedFrom">Network address of the issuer, or null.</param>
public sealed record RunCommand(
    string CommandId,
    string? RunId,
    CommandVerb Verb,
    string? Argument,
    string IssuedBy,
    DateTimeOffset IssuedAt,
    TimeSpan ValidFor,
    long Generation = 0,
    string? IssuedFrom = null)
{
    /// <summary>Issuer of what came by the trainer's own socket: whoever may open it, names are not known there.</summary>
    public const string Local = "local";
}

/// <summary>The desk's answer: whether it will be done. What became of it is told by <see cref="Telemetry.CommandEnded"/>.</summary>
/// <param name="CommandId">Of the command.</param>
/// <param name="Accepted">False: refused.</param>
/// <param name="Code">`accepted`, `wrong_state`, `unknown_run`, `expired`, `superseded`, `busy`, `bad_configuration`, `bad_argument`, `changed_meanwhile`, `no_checkpoint`.</param>
/// <param name="Text">In English: why not, or what happens now.</param>
/// <param name="RunId">The run concerned, the new one for Start and Branch.</param>
public sealed record CommandAnswer(string CommandId, bool Accepted, string Code, string Text, string? RunId);
