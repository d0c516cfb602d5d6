using System.Text.Json;
using Mcn.Web.Shared;
using Mcn.Web.Trainer.Crashes;
using Mcn.Web.Trainer.Diagnosis;
using Mcn.Web.Trainer.Recording;

namespace Mcn.Web.Trainer.Verbs;

/// <summary>What `diagnose` is asked about, read: at most some megabytes of it.</summary>
/// <param name="Title">What it is, for people.</param>
/// <param name="Files">The file behind each source of lines.</param>
sealed record DiagnosisSubject(string Title, Evidence Evidence, IReadOnlyDictionary<string, string> Files, long OmittedBytes = 0)
{
    const string StandardInput = "-";

    static readonly Dictionary<string, string> FilesOfReport = new() { ["stderr"] = "logs/stderr.txt", ["last_words"] = "process/last_words.txt", ["kernel"] = "host/kernel.txt", ["exit"] = "process/exit.json" };

    /// <exception cref="UserError">There is nothing to be diagnosed there.</exception>
    public static DiagnosisSubject Open(string path)
    {
        try
        {
            if (path == StandardInput) return OfLog(Console.OpenStandardInput(), "stdin", "standard input");
            if (Directory.Exists(path)) return OfRun(new RunFolder(Path.GetFullPath(path)));
            if (!File.Exists(path)) throw new UserError(path, "no such file or folder", "a crash report (.zip), the folder of a run, or a log file", "Is the path right?", ExitCodes.Usage);
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            return IsZip(file) ? OfReport(file, path) : OfLog(file, Path.GetFileName(path), path);
        }
        catch (Exception error) when (error is InvalidDataException or JsonException)
        {
            throw new UserError(path, error.Message, "a crash report of this program (.zip), the folder of a run, or a text", "Unpack other archives first", inner: error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new UserError(path, $"cannot be read ({error.Message})", "", "Give this user the right to read it", inner: error);
        }
    }

    static bool IsZip(FileStream file)
    {
        Span<byte> start = stackalloc byte[4];
        var isZip = file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false) == start.Length && start.SequenceEqual("PK\u0003\u0004"u8);
        file.Position = 0;
        return isZip;
    }

    static DiagnosisSubject OfReport(FileStream file, string path) => new($"crash report {path}", CrashEvidence.Of(file), FilesOfReport);

    static DiagnosisSubject OfLog(Stream stream, string name, string title)
    {
        var text = LogText.Read(stream);
        var omitted = text.OmittedBytes > 0 ? FormattableString.Invariant($" ({text.OmittedBytes} bytes in its middle not looked at)") : "";
        return new DiagnosisSubject($"log {title}, {text.Lines.Count} lines{omitted}", new Evidence { Texts = [new TextSource(name, text.Lines) { Numbered = text.Numbered }], IsText = true },
            new Dictionary<string, string>(), text.OmittedBytes);
    }

    /// <summary>The newest death: a report of it where there is one, else what the run's own files say.</summary>
    static DiagnosisSubject OfRun(RunFolder folder)
    {
        if (!File.Exists(folder.Identity)) throw new UserError(folder.Path, "a folder without run.json", "the folder of a run (DATA/runs/RUN-ID)", "`ls` in DATA/runs lists them", ExitCodes.Usage);
        var recorder = RecorderReader.Read(folder.Recorder);
        var isDead = recorder is { CleanEnd: false } && !RunLock.IsHeld(folder.Lock);
        var newest = Directory.Exists(folder.Crashes)
            ? Directory.EnumerateFiles(folder.Crashes, "crash-*.zip*").OrderBy(path => Path.GetFileName(path).Split('.')[0], StringComparer.Ordinal).LastOrDefault() : null;
        if (isDead && !CrashScene.HasReport(folder, recorder!.Incarnation)) return OfFiles(folder, recorder);
        if (newest is null)
        {
            throw new UserError(folder.Path, RunLock.IsHeld(folder.Lock) ? "a run that is alive and has never died" : "a run without a death", "one that died",
                "A log of another program can be given by its path");
        }

        using var file = new FileStream(newest, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        return OfReport(file, newest);
    }

    static DiagnosisSubject OfFiles(RunFolder folder, RecorderContent recorder)
    {
        var log = folder.WorkerLog(recorder.Incarnation);
        using var file = File.Exists(log) ? new FileStream(log, FileMode.Open, FileAccess.Read, FileShare.ReadWrite) : null;
        var text = file is null ? null : LogText.Read(file);
        var exit = RecentRecords.Exits(folder).LastOrDefault(exit => exit.WorkerIncarnation == recorder.Incarnation);
        var scene = new CrashScene
        {
            Folder = folder, WorkerIncarnation = recorder.Incarnation, Time = recorder.Heartbeat, ExitCode = exit?.ExitCode, Signal = exit?.Signal,
            Recorder = recorder, ErrorTail = text?.Lines ?? [], Recent = RecentRecords.OfDead(folder),
        };
        return new DiagnosisSubject($"run {folder.RunId}, worker {recorder.Incarnation}, dead since {recorder.Heartbeat:yyyy-MM-dd HH:mm:ss} UTC", CrashInvestigator.EvidenceOf(scene),
            new Dictionary<string, string> { ["stderr"] = Path.GetRelativePath(folder.Path, log), ["last_words"] = "recorder.bin (last words)" }, text?.OmittedBytes ?? 0);
    }
}
