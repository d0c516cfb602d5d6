using System.Text.Json;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Commands;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.Shared.Runs;
using Mcn.Web.Trainer.Recording;

namespace Mcn.Web.Trainer.Training;

/// <summary>
/// The knobs of this run: declared here, their values a function of the step by the run's history, which is on disk before a change takes
/// effect. So a run killed after a change and gone on with from before it turns the knob at the same step again. On the rank's thread.
/// </summary>
public sealed class LiveKnobs
{
    readonly string file;
    readonly LiveKnob[] declared;
    readonly TimeProvider time;
    KnobHistory history;

    LiveKnobs(string file, RunConfig config, KnobHistory history, TimeProvider time)
    {
        (this.file, this.history, this.time) = (file, history, time);
        declared =
        [
            new LiveKnob(LiveKnob.LearningRateScale, IsWhole: false, 0, 10, 1, "next_step", "x"),
            new LiveKnob(LiveKnob.CheckpointMaxLossSeconds, IsWhole: false, 1, 86_400, config.Checkpoint.MaxLossSeconds, "next_checkpoint", "seconds"),
            new LiveKnob(LiveKnob.LogEverySteps, IsWhole: true, 1, 1_000_000, config.Telemetry.NDisplay, "next_step", "steps"),
        ];
    }

    /// <summary>Reads the history; without a readable one, that of the state that the run goes on from counts.</summary>
    /// <param name="from">Null: training begins.</param>
    /// <exception cref="UserError">Written by a newer program.</exception>
    public static LiveKnobs Open(RunFolder folder, RunConfig config, CheckpointManifest? from, TimeProvider time)
    {
        var history = Read(folder.Knobs) ?? new KnobHistory(ProtocolVersion.Knobs,
            [.. (from?.Knobs ?? new Dictionary<string, double>()).Select(knob => new KnobSetting(from!.Step, knob.Key, knob.Value, from.Time, null))]);
        return new LiveKnobs(folder.Knobs, config, history, time);
    }

    /// <summary>With the values of the step after so many.</summary>
    public IReadOnlyList<LiveKnob> At(long step) => [.. declared.Select(knob => knob with { Value = history.At(knob.Name, step) ?? knob.Value })];

    public double Value(string name, long step)
    {
        // The usual run has no change: this costs nothing then.
        var knob = declared.First(knob => knob.Name == name);
        return history.Changes.Count == 0 ? knob.Value : history.At(name, step) ?? knob.Value;
    }

    /// <summary>Those that differ from the configuration: what a checkpoint keeps.</summary>
    public IReadOnlyDictionary<string, double> Turned(long step) =>
        history.Changes.Count == 0 ? new Dictionary<string, double>() : declared.Where(knob => Value(knob.Name, step) != knob.Value).ToDictionary(knob => knob.Name, knob => Value(knob.Name, step));

    /// <summary>Turns one; from the next step on.</summary>
    /// <returns>Why not; null: it is turned, and on disk.</returns>
    public string? Turn(KnobChange change, long step, string? commandId)
    {
        if (At(step).FirstOrDefault(knob => knob.Name == change.Name) is not { } knob) return $"{change.Name}: no such knob; there are {string.Join(", ", declared.Select(one => one.Name))}";
        if (knob.Refusal(change.Value) is { } refusal) return refusal;
        if (change.Expected is { } expected && expected != knob.Value) return $"{change.Name}: it is {knob.Value} meanwhile, not {expected}";
        var next = history.With(new KnobSetting(step, change.Name, change.Value, time.GetUtcNow(), commandId));
        try
        {
            DurableFile.Replace(file, stream => JsonSerializer.Serialize(stream, next, McnJson.ForFiles.KnobHistory));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return $"{change.Name}: not changed, for the change could not be written down ({error.Message})";
        }

        history = next;
        return null;
    }

    static KnobHistory? Read(string file)
    {
        try
        {
            if (!File.Exists(file)) return null;
            var read = JsonSerializer.Deserialize(File.ReadAllBytes(file), McnJson.Default.KnobHistory) ?? throw new JsonException("null");
            if (read.FormatVersion <= ProtocolVersion.Knobs) return read;
            throw new UserError(file, $"version {read.FormatVersion}", $"version {ProtocolVersion.Knobs} or older", "Go on with the program that wrote it", ExitCodes.Refused);
        }
        catch (Exception error) when (error is IOException or JsonException)
        {
            throw new UserError(file, $"cannot be read ({error.Message})", "the history of the live knobs", "Move it away to go on with the knobs of the checkpoint", ExitCodes.BadData, error);
        }
    }
}
