using System.Text.RegularExpressions;
using Mcn.Web.Shared.Crashes;
using Mcn.Web.Shared.Telemetry;
using Mcn.Web.Trainer.Diagnosis;
using Mcn.Web.Trainer.Recording;

namespace Mcn.Web.Trainer.Crashes;

/// <param name="Kernel">Lines of the kernel's log that may matter; null: it could not be read.</param>
/// <param name="KernelGap">Why not.</param>
public sealed record CrashCase(CrashScene Scene, CrashSummary Summary, Verdict Verdict, IReadOnlyList<string>? Kernel, string? KernelGap);

/// <summary>From the scene to the few lines of the banner: quick, because the banner comes before the report.</summary>
public static partial class CrashInvestigator
{
    /// <summary>How far back the kernel's log counts where nobody knows when the worker began.</summary>
    static readonly TimeSpan WithoutRecorder = TimeSpan.FromMinutes(10);

    /// <summary>The driver writes its Xid a little later than the process dies.</summary>
    static readonly TimeSpan Afterwards = TimeSpan.FromMinutes(1);

    /// <param name="next">What the supervisor does now; known only after the step and code are.</param>
    public static CrashCase Investigate(CrashScene scene, Func<long?, CodedText> next)
    {
        var (kernel, gap) = KernelOf(scene);
        var evidence = EvidenceOf(scene, kernel);
        var verdict = DiagnosisEngine.Judge(evidence);
        var last = LastMark(scene);
        var step = last is null or { Phase: RecorderPhase.Setup } ? null : (long?)last.Step;
        var summary = new CrashSummary
        {
            CrashId = scene.CrashId,
            RunId = scene.Folder.RunId,
            WorkerIncarnation = scene.WorkerIncarnation,
            Time = scene.Time,
            ExitCode = scene.ExitCode,
            Signal = scene.Signal,
            Kind = KindOf(scene),
            Step = step,
            Phase = last is null ? null : PhaseName(last.Phase),
            Rank = RankOf(scene),
            Message = Scrubber.Scrub(MessageOf(scene, verdict)),
            Cause = new CodedText(verdict.Cause.Rule, verdict.Cause.Title, ("code", FormattableString.Invariant($"{scene.ExitCode}")), ("signal", scene.Signal is { } signal ? SignalNames.Of(signal) : "")),
            RuledOut = [.. verdict.RuledOut.Where(entry => entry.Text is not null).Select(entry => new RuledOut(entry.Text!, new CodedText(entry.Rule, entry.Because)))],
            Next = next(step),
        };
        return new CrashCase(scene, summary, verdict, kernel, gap);
    }

    /// <summary>Where it happened: the last mark of the lane that the end names, else the one that was left last, of any lane.</summary>
    public static RecorderMark? LastMark(CrashScene scene)
    {
        var lanes = scene.Recorder?.Lanes.Where(lane => lane.Last is not null).ToArray() ?? [];
        return Named(scene)?.Last ?? lanes.Select(lane => lane.Last).MaxBy(mark => mark!.Time);
    }

    /// <summary>The lane that the end names.</summary>
    static LaneContent? Named(CrashScene scene) =>
        (scene.Hang ?? scene.Recorder?.LastWords?.Split('\n')[0]) is { } end
            ? scene.Recorder?.Lanes.FirstOrDefault(lane => lane.Last is not null && end.Contains(lane.Name, StringComparison.Ordinal))
            : null;

    /// <summary>Null where there is one device only: nothing needs a name then.</summary>
    public static string? RankOf(CrashScene scene) => scene.Recorder?.Lanes.Count > 1 ? Named(scene)?.Name : null;

    public static string PhaseName(RecorderPhase phase) => phase switch
    {
        RecorderPhase.Setup => "setup",
        RecorderPhase.Fetch => "fetch",
        RecorderPhase.Forward => "forward",
        RecorderPhase.Backward => "backward",
        RecorderPhase.Exchange => "exchange",
        RecorderPhase.Update => "update",
        RecorderPhase.StepDone => "step_done",
        RecorderPhase.Evaluate => "evaluate",
        RecorderPhase.Checkpoint => "checkpoint",
        RecorderPhase.Held => "held",
        RecorderPhase.Leaving => "leaving",
        _ => "unknown",
    };

    static (IReadOnlyList<string>? Lines, string? Gap) KernelOf(CrashScene scene) =>
        KernelLog.Read(scene.Recorder?.Started ?? scene.Time - WithoutRecorder, scene.Time + Afterwards);

    /// <summary>The evidence without an investigation, for who only wants to judge.</summary>
    public static Evidence EvidenceOf(CrashScene scene) => EvidenceOf(scene, KernelOf(scene).Lines);

    static Evidence EvidenceOf(CrashScene scene, IReadOnlyList<string>? kernel)
    {
        var texts = new List<TextSource>();
        if (scene.Recorder?.LastWords is { } words) texts.Add(new TextSource("last_words", words.Split('\n')));
        texts.Add(new TextSource("stderr", scene.ErrorTail));
        if (kernel is not null) texts.Add(new TextSource("kernel", kernel));
        return new Evidence
        {
            ExitCode = scene.ExitCode,
            Signal = scene.Signal,
            Hang = scene.Hang,
            Recorder = scene.Recorder,
            Texts = texts,
            Host = [.. scene.Recent.OfType<HostSample>(), .. Optional(scene.HostAtDeath)],
            Gpu = [.. scene.Recent.OfType<GpuSample>(), .. Optional(scene.GpuAtDeath)],
            OutOfMemoryKills = scene.OutOfMemoryKills,
            KernelLogRead = kernel is not null,
        };
    }

    [GeneratedRegex(@"^Mcn\.Web\.[\w.]+Exception: ")]
    private static partial Regex OwnType();

    static IEnumerable<T> Optional<T>(T? value) where T : class => value is null ? [] : [value];

    static string KindOf(CrashScene scene) => (scene.Hang, scene.Signal, scene.ExitCode) switch
    {
        ({ }, _, _) or (_, _, ExitCodes.Stuck) => "hang",
        (_, 9 or 15 or 2 or 1, _) => "killed",
        (_, { }, _) => "native_abort",
        (_, _, ExitCodes.ProgramError or ExitCodes.DeviceLost or ExitCodes.DeviceMemory or ExitCodes.NativeError or ExitCodes.HostMemory) => "exception",
        (_, _, { }) => scene.Recorder?.LastWords is not null ? "exception" : "exit",
        _ => scene.Recorder?.LastWords is not null ? "exception" : "killed",
    };

    /// <summary>The exception's own words, else the line that decided the verdict, else how it ended.</summary>
    static string MessageOf(CrashScene scene, Verdict verdict)
    {
        const int longest = 1000;
        if (scene.Hang is { } hang) return hang;
        var line = verdict.Cause.Evidence.FirstOrDefault(entry => entry.Source is "stderr" or "last_words")?.Text
            ?? scene.Recorder?.LastWords?.Split('\n')[0]
            ?? $"{verdict.Cause.Title} ({verdict.Cause.Evidence[0].Text})";
        line = OwnType().Replace(line.Trim(), ""); // a name of ours says nothing to people; the whole is in process/last_words.txt
        return line.Length > longest ? line[..longest] + " …" : line;
    }
}
