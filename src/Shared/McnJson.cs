using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Mcn.Web.Shared.Commands;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.Shared.Crashes;
using Mcn.Web.Shared.Runs;
using Mcn.Web.Shared.Telemetry;

namespace Mcn.Web.Shared;

/// <summary>
/// The one source-generated serializer context: snake_case keys. <see cref="Default"/> writes one line (wire, journal,
/// hashes), <see cref="ForFiles"/> writes what people read.
/// </summary>
/// <remarks>Not-a-number and the infinities are written as strings: a loss may be one, and must still be told.</remarks>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
[JsonSerializable(typeof(RunConfig))]
[JsonSerializable(typeof(RunIdentity))]
[JsonSerializable(typeof(CheckpointManifest))]
[JsonSerializable(typeof(StepProof))]
[JsonSerializable(typeof(TelemetryRecord))]
[JsonSerializable(typeof(CrashSummary))]
[JsonSerializable(typeof(Verdict))]
[JsonSerializable(typeof(CrashManifest))]
[JsonSerializable(typeof(RunCommand))]
[JsonSerializable(typeof(CommandAnswer))]
[JsonSerializable(typeof(KnobChange))]
[JsonSerializable(typeof(KnobHistory))]
[JsonSerializable(typeof(CheckpointPin))]
[JsonSerializable(typeof(BranchPoint))]
[JsonSerializable(typeof(CheckpointOrder))]
public sealed partial class McnJson : JsonSerializerContext
{
    /// <summary>Indented, and with letters of every script as they are (a path may be Japanese).</summary>
    public static McnJson ForFiles => Files.Context;

    // A nested class, because the order of static initialisers across the generated parts of this one is not defined.
    static class Files
    {
        internal static readonly McnJson Context = new(new JsonSerializerOptions(Default.Options)
        {
            WriteIndented = true,
            Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        });
    }
}
