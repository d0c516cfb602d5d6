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

/// <summary>What the loaded run is meant to do; survives the daemon.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<RunTarget>))]
public enum RunTarget
{
    Running,
    Held,
    Stopped,
}

/// <summary>`trainer/desired.json`.</summary>
sealed record DesiredRun(int FormatVersion, string RunId, RunTarget Target);

/// <summary>`trainer/commands.json`: the last commands and what was answered.</summary>
sealed record RememberedCommands(int FormatVersion, IReadOnlyList<CommandAnswer> Answers);

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
