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

    /// <summary>Save now, go on.</summary>
    CheckpointNow,

    /// <summary>Save and end.</summary>
    Stop,

    /// <summary>End without saving.</summary>
    StopWithoutSaving,
}

/// <summary>A command on its way. The id makes it idempotent: whoever sees it twice gives the same answer.</summary>
/// <param name="CommandId">Unique.</param>
/// <param name="RunId">The run it is for; null for Start.</param>
/// <param name="Verb">What is asked.</param>
/// <param name="Argument">Start: the configuration's JSON text; otherwise null.</param>
/// <param name="IssuedBy">User name, or <see cref="Local"/>.</param>
/// <param name="IssuedAt">UTC.</param>
/// <param name="NotAfter">After this it expires instead of being carried out.</param>
public sealed record RunCommand(
    string CommandId,
    string? RunId,
    CommandVerb Verb,
    string? Argument,
    string IssuedBy,
    DateTimeOffset IssuedAt,
    DateTimeOffset NotAfter)
{
    /// <summary>Issuer of what came by the trainer's own socket: whoever may open it, names are not known there.</summary>
    public const string Local = "local";
}

/// <summary>The desk's answer: whether it will be done. That it was done is told by the run's state.</summary>
/// <param name="CommandId">Of the command.</param>
/// <param name="Accepted">False: refused.</param>
/// <param name="Code">`accepted`, `wrong_state`, `unknown_run`, `expired`, `busy`, `bad_configuration`.</param>
/// <param name="Text">In English: why not, or what happens now.</param>
/// <param name="RunId">The run concerned, the new one for Start.</param>
public sealed record CommandAnswer(string CommandId, bool Accepted, string Code, string Text, string? RunId);
