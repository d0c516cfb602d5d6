using System.Globalization;
using Mcn.Web.Shared.Telemetry;
using Mcn.Web.Trainer.Planning;
using Spectre.Console;

namespace Mcn.Web.Trainer.Verbs;

/// <summary>For people: a progress bar with rate, loss terms and ETA on a terminal, a line a reported step elsewhere.</summary>
sealed class ConsoleReport : ITrainingReport
{
    const double Gibi = 1L << 30;
    static readonly TimeSpan Longest = TimeSpan.FromDays(999);

    readonly IAnsiConsole console = AnsiConsole.Console;
    readonly bool interactive = AnsiConsole.Profile.Capabilities.Interactive && !Console.IsOutputRedirected;
    RunStarted? run;
    DateTimeOffset began;
    string? status;

    public void Show(TelemetryRecord record)
    {
        switch (record)
        {
            case RunStarted started:
                (run, began) = (started, started.Time);
                Line(Invariant($"run {started.Id!.Run}, incarnation {started.Id.Incarnation}: {started.Name}, {started.Parameters:N0} parameters on {started.Device}, precision {started.Precision}"));
                if (started.Batch is { } batch)
                {
                    Line(new BatchAlgebra(batch.Videos, batch.ClipsPerVideo, batch.Replicas).Sentence());
                    Line($"{Graphs(batch, batch.ClipsHeld)}; memory by the plan: {string.Join(", ", batch.Planned.Select(memory => Invariant($"{memory.Device} {memory.Bytes / Gibi:F2} GiB")))}");
                }

                Line(Invariant($"{started.StepsPerEpoch:N0} steps x {started.Epochs} epochs = {started.TotalSteps:N0} steps")
                    + (started.FromStep > 0 ? Invariant($"; going on at step {started.FromStep:N0}") : ""));
                if (started.Links is { } links) Line($"gradients of the replicas meet through {links}");
                if (started.Boards.Count > 0) Line($"boards, rank by rank: {string.Join(", ", started.Boards.Select(board => board ?? "unknown"))}");
                if (started.Shards is { } shards) Line(Reading(shards));
                break;
            case StepMetrics step:
                Progress(step);
                break;
            case EvaluationFinished evaluation:
                Line(Invariant($"epoch {evaluation.Epoch}, {evaluation.File}, {evaluation.N:N0} clips"));
                Clear();
                console.Write(RetrievalTable.Of(evaluation));
                Restore();
                break;
            case CheckpointWritten checkpoint:
                Line(Invariant($"checkpoint {checkpoint.Path} ({checkpoint.Bytes / 1e6:F1} MB, {checkpoint.DurationSeconds:F2} s)"));
                break;
            case ResumeProven resume:
                Line(Invariant($"the step after {resume.Step:N0} was repeated: ") + (resume.Exact ? "the same, bit for bit" : resume.Text));
                break;
            case Alert alert:
                Line($"warning: {alert.Text}");
                break;
            case RunEnded ended:
                Clear();
                status = null;
                Line(Invariant($"{ended.Reason} at step {ended.Step:N0} after {Span(ended.DurationSeconds)}; median step {ended.MedianStepSeconds * 1000:F1} ms, ")
                    + Invariant($"peak memory {ended.PeakMemoryBytes / 1e6:F0} MB")
                    + (ended.DroppedRecords > 0 ? Invariant($", {ended.DroppedRecords} records dropped") : ""));
                break;
            case RunStateChanged:
                break; // for the dashboard; the lines above say it here
            default:
                throw new InvalidOperationException($"No line for {record.GetType().Name}");
        }
    }

    /// <summary>What a device holds of its clips, and whether some are encoded twice for it.</summary>
    internal static string Graphs(BatchSplit batch, int held) =>
        Invariant($"BatchNorm groups of {batch.GroupClips:N0} clips; a device holds the graphs of {held:N0} clips")
        + (batch.EncodedTwice(held) is > 0 and var twice ? Invariant($" and encodes {twice:N0} twice (gradient cache)") : "");

    internal static string Reading(ShardReading shards) => Invariant($"shards are read in mode {shards.Mode} ({shards.Because})")
        + (shards.ShardsPerWindow == shards.Shards ? "; a full shuffle" : Invariant($"; shuffled in windows of {shards.ShardsPerWindow} of {shards.Shards} shards: two videos of a batch are {shards.Togetherness:F1} x as likely out of one shard as in a full shuffle"))
        + (shards.Echo > 1 ? Invariant($"; each video is used {shards.Echo} times (echo)") : "");

    void Progress(StepMetrics step)
    {
        var done = (double)(step.Step - run!.FromStep);
        var left = TimeSpan.FromSeconds(Math.Min((step.Time - began).TotalSeconds / done * (run.TotalSteps - step.Step), Longest.TotalSeconds));
        double Value(string name) => step.Values.GetValueOrDefault(name);
        var terms = string.Join(" ", new[]
        {
            ("tv", MetricCatalog.LossTextVideo), ("at", MetricCatalog.LossAudioText), ("va", MetricCatalog.LossVideoAudio),
            ("cluster", MetricCatalog.LossCluster), ("recon", MetricCatalog.LossReconstruction),
        }.Where(term => step.Values.ContainsKey(term.Item2)).Select(term => Invariant($"{term.Item1} {Value(term.Item2):F2}")));
        // What matters most stands first: a narrow terminal cuts the end.
        var text = Invariant($"step {step.Step:N0}/{run.TotalSteps:N0}  epoch {step.Epoch + 1}/{run.Epochs}  ETA {Span(left.TotalSeconds)}")
            + Invariant($"  loss {Value(MetricCatalog.Loss):F3}  {Value(MetricCatalog.SamplesPerSecond):F0} clips/s")
            + Invariant($"  data {Value(MetricCatalog.DataWait) / Math.Max(Value(MetricCatalog.StepDuration), 1e-9):P0}{Limit(step)}  ({terms})");
        if (!interactive)
        {
            Console.WriteLine(text);
            return;
        }

        Clear();
        status = Bar(step.Step / (double)run.TotalSteps) + " " + text;
        Restore();
    }

    /// <summary>What limits, in a word; nothing before it is known.</summary>
    static string Limit(StepMetrics step) => (Bottleneck)step.Values.GetValueOrDefault(MetricCatalog.Bottleneck) switch
    {
        Bottleneck.Disk => "  limited by disk",
        Bottleneck.Cpu => "  limited by CPU (readers)",
        Bottleneck.Transfer => "  limited by transfer",
        Bottleneck.Device => "  limited by device",
        Bottleneck.Exchange => "  limited by exchange between replicas",
        _ => "",
    };

    /// <summary>Prints above the progress line.</summary>
    void Line(string text)
    {
        Clear();
        Console.WriteLine(text);
        Restore();
    }

    // The progress line is cut to the width of the terminal, so that one carriage return brings it back.
    void Restore()
    {
        if (interactive && status is not null) Console.Write(status.Length < console.Profile.Width ? status : status[..(console.Profile.Width - 1)]);
    }

    void Clear()
    {
        if (interactive && status is not null) Console.Write("\r\x1b[2K");
    }

    static string Bar(double share)
    {
        const int width = 20;
        var filled = (int)Math.Round(share * width);
        return new string('█', filled) + new string('░', width - filled) + Invariant($" {share,4:P0}");
    }

    static string Span(double seconds)
    {
        var span = TimeSpan.FromSeconds(seconds);
        return span.TotalDays >= 1 ? Invariant($"{(int)span.TotalDays} d {span:hh\\:mm}") : span.ToString("hh\\:mm\\:ss", CultureInfo.InvariantCulture);
    }

    static string Invariant(FormattableString text) => FormattableString.Invariant(text);

    public void Dispose()
    {
        Clear();
        status = null;
    }
}
