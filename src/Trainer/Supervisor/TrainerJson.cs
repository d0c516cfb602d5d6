using System.Text.Json.Serialization;
using Mcn.Web.Shared.Commands;

namespace Mcn.Web.Trainer.Supervisor;

/// <summary>The daemon's own files and its socket; nothing of it leaves the machine.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = false)]
[JsonSerializable(typeof(DesiredRun))]
[JsonSerializable(typeof(RememberedCommands))]
[JsonSerializable(typeof(RememberedDeaths))]
[JsonSerializable(typeof(SocketRequest))]
[JsonSerializable(typeof(SocketAnswer))]
sealed partial class TrainerJson : JsonSerializerContext;

/// <summary>`trainer/desired.json`: what the loaded run is meant to do; survives the daemon.</summary>
/// <param name="CommandId">The command that made it so; null: none did, or the file is of version 1.</param>
/// <param name="Generation">The newest that was seen for this run.</param>
sealed record DesiredRun(int FormatVersion, string RunId, RunTarget Target, string? CommandId = null, long Generation = 0)
{
    public const int Version = 2;
}

/// <summary>`trainer/commands.json`: the last commands and what was answered.</summary>
/// <param name="Open">Accepted, and not ended yet.</param>
sealed record RememberedCommands(int FormatVersion, IReadOnlyList<CommandAnswer> Answers, IReadOnlyList<OpenCommand>? Open = null);

/// <param name="Accepted">UTC.</param>
sealed record OpenCommand(string CommandId, CommandVerb Verb, DateTimeOffset Accepted);

/// <summary>`deaths.json` of a run: what the restart policy has seen.</summary>
sealed record RememberedDeaths(int FormatVersion, IReadOnlyList<Death> Deaths);

/// <summary>One line from a verb to the daemon.</summary>
/// <param name="Verb">`status`, or a command's name.</param>
/// <param name="Argument">Start: the configuration's text, with absolute paths.</param>
sealed record SocketRequest(string Verb, string? Argument);

/// <summary>One line back.</summary>
/// <param name="ExitCode">Of the verb.</param>
/// <param name="Text">One line for people.</param>
sealed record SocketAnswer(int ExitCode, string Text);
