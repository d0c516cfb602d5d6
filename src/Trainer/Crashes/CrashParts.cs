using System.Text;
using System.Text.Json;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Commands;
using Mcn.Web.Shared.Telemetry;
using Mcn.Web.Trainer.Recording;

namespace Mcn.Web.Trainer.Crashes;

/// <summary>What a report holds, the most telling first. Everything is text or JSON, readable without this program.</summary>
static class CrashParts
{
    const int Small = 1 << 20;
    const int Large = 4 << 20;
    const int LastSteps = 200;
    const int LastCommands = 500;

    public static IReadOnlyList<CrashPart> Of(CrashCase crash, IReadOnlyDictionary<string, string> environment)
    {
        var scene = crash.Scene;
        var folder = scene.Folder;
        return
        [
            new("README.md", Small, () => Text(CrashReadme.Of(crash))),
            new("summary.json", Small, () => JsonSerializer.SerializeToUtf8Bytes(crash.Summary, McnJson.ForFiles.CrashSummary)),
            new("verdict.json", Small, () => Text(Scrubber.Scrub(JsonSerializer.Serialize(crash.Verdict, McnJson.ForFiles.Verdict)))),
            new("process/exit.json", Small, () => Json(json => WriteExit(json, scene))),
            new("process/last_words.txt", Small, () => TextOf(scene.Recorder?.LastWords)),
            new("process/threads.txt", Small, () => TextOf(scene.Threads)),
            new("logs/stderr.txt", Small, () => Text(string.Join('\n', scene.ErrorTail))),
            new("steps/failing_step.json", Small, () => Json(json => WriteFailingStep(json, scene))),
            new("steps/last_steps.jsonl", Small, () => Lines(scene.Recent.OfType<StepMetrics>().TakeLast(LastSteps))),
            new("steps/events.jsonl", Large, () => Lines(scene.Recent.Where(record => record is not (StepMetrics or GpuSample or HostSample or LogLine)))),
            new("commands.jsonl", Small, () => Lines(RecentRecords.Commands(folder).Select(WithoutConfiguration).TakeLast(LastCommands))),
            new("ring/lanes.jsonl", Large, () => scene.Recorder is { } recorder ? Text(string.Join('\n', recorder.Lanes.SelectMany(LaneLines))) : null),
            new("config/config.json", Small, () => Text(Scrubber.Scrub(File.ReadAllText(folder.Config)))),
            new("env/environment.json", Small, () => Text(Scrubber.Scrub(File.ReadAllText(folder.Environment)))),
            new("env/variables.json", Small, () => Json(json => WriteVariables(json, environment))),
            new("attempts.json", Small, () => Json(json => WriteAttempts(json, folder))),
            new("checkpoints/index.json", Small, () => Json(json => WriteCheckpoints(json, folder))),
            new("host/at_death.jsonl", Small, () => scene.HostAtDeath is { } sample ? Lines([sample]) : null),
            new("host/alerts.jsonl", Small, () => Lines(scene.Recent.OfType<Alert>())),
            new("host/samples.jsonl", Large, () => Lines(scene.Recent.OfType<HostSample>())),
            new("host/kernel.txt", Small, () => crash.Kernel is { } lines ? TextOf(string.Join('\n', lines)) : throw new IOException(crash.KernelGap)),
            new("host/meminfo.txt", Small, () => Proc("/proc/meminfo")),
            new("host/pressure.txt", Small, () => Text(string.Join('\n', new[] { "cpu", "io", "memory" }.Select(name => $"[{name}]\n{File.ReadAllText("/proc/pressure/" + name)}")))),
            new("host/memory.events.txt", Small, () => Proc("/sys/fs/cgroup/memory.events")),
            new("gpu/at_death.jsonl", Small, () => scene.GpuAtDeath is { } sample ? Lines([sample]) : null),
            new("gpu/samples.jsonl", Large, () => Lines(scene.Recent.OfType<GpuSample>())),
            new("ring/recorder.bin", Large, () => scene.RecorderBytes),
            new("logs/worker.log", Large, () => Tail(folder.WorkerLog(scene.WorkerIncarnation))),
            new("logs/daemon.log", Large, () => NewestLog(scene.DaemonLogs)),
        ];
    }

    /// <summary>A start carries a whole configuration, which is in the report, scrubbed, in its own place.</summary>
    static TelemetryRecord WithoutConfiguration(TelemetryRecord record) =>
        record is CommandHandled { Command: { Verb: CommandVerb.Start } start } handled ? handled with { Command = start with { Argument = null } } : record;

    static void WriteExit(Utf8JsonWriter json, CrashScene scene)
    {
        Number(json, "exit_code", scene.ExitCode);
        Number(json, "signal", scene.Signal);
        json.WriteString("hang", scene.Hang);
        json.WriteString("time", scene.Time);
        Number(json, "oom_kills_meanwhile", scene.OutOfMemoryKills);
        json.WriteNumber("incarnation", scene.WorkerIncarnation);
        json.WriteString("started", scene.Recorder?.Started ?? default);
        json.WriteString("last_mark", scene.Recorder?.Heartbeat ?? default);
        json.WriteBoolean("clean_end", scene.Recorder?.CleanEnd ?? false);
    }

    static void WriteFailingStep(Utf8JsonWriter json, CrashScene scene)
    {
        var last = CrashInvestigator.LastMark(scene);
        Number(json, "steps_done", last?.Step);
        Number(json, "epoch", last?.Epoch);
        json.WriteString("phase", last is null ? null : CrashInvestigator.PhaseName(last.Phase));
        json.WriteString("rank", CrashInvestigator.RankOf(scene));
        json.WriteString("last_mark", last?.Time ?? default);
        json.WriteStartArray("first_samples");
        foreach (var sample in last?.Samples ?? []) json.WriteNumberValue(sample);
        json.WriteEndArray();
        json.WriteString("samples_are", "rows of data.train_csv, from 0");
    }

    static IEnumerable<string> LaneLines(LaneContent lane) => lane.Marks.Select(mark => Encoding.UTF8.GetString(Json(json =>
    {
        json.WriteString("lane", lane.Name);
        json.WriteNumber("sequence", mark.Sequence);
        json.WriteString("time", mark.Time);
        json.WriteString("phase", CrashInvestigator.PhaseName(mark.Phase));
        json.WriteNumber("step", mark.Step);
        json.WriteNumber("epoch", mark.Epoch);
        if (mark.Loss is { } loss && double.IsFinite(loss)) json.WriteNumber("loss", loss);
        json.WriteStartArray("samples");
        foreach (var sample in mark.Samples) json.WriteNumberValue(sample);
        json.WriteEndArray();
    }, indented: false)));

    static void WriteVariables(Utf8JsonWriter json, IReadOnlyDictionary<string, string> environment)
    {
        foreach (var (name, value) in Scrubber.Variables(environment)) json.WriteString(name, value);
    }

    /// <summary>Every end of a worker of this run, from the supervisor's journals.</summary>
    static void WriteAttempts(Utf8JsonWriter json, RunFolder folder)
    {
        json.WriteStartArray("attempts");
        foreach (var exit in RecentRecords.Exits(folder))
        {
            json.WriteStartObject();
            json.WriteNumber("incarnation", exit.WorkerIncarnation);
            json.WriteString("time", exit.Time);
            Number(json, "exit_code", exit.ExitCode);
            Number(json, "signal", exit.Signal);
            Number(json, "step", exit.Crash?.Step);
            json.WriteString("kind", exit.Crash?.Kind);
            json.WriteString("message", exit.Crash?.Message);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    static void WriteCheckpoints(Utf8JsonWriter json, RunFolder folder)
    {
        json.WriteStartArray("checkpoints");
        var paths = Directory.Exists(folder.Checkpoints) ? Directory.GetDirectories(folder.Checkpoints) : [];
        foreach (var path in paths.Order(StringComparer.Ordinal))
        {
            json.WriteStartObject();
            json.WriteString("name", Path.GetFileName(path));
            json.WriteBoolean("complete", File.Exists(Path.Combine(path, "state.json")));
            json.WriteNumber("bytes", Directory.EnumerateFiles(path).Sum(file => new FileInfo(file).Length));
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    static byte[] Json(Action<Utf8JsonWriter> write, bool indented = true)
    {
        using var memory = new MemoryStream();
        using (var json = new Utf8JsonWriter(memory, new JsonWriterOptions { Indented = indented }))
        {
            json.WriteStartObject();
            write(json);
            json.WriteEndObject();
        }

        return memory.ToArray();
    }

    static void Number(Utf8JsonWriter json, string name, long? value)
    {
        if (value is { } number) json.WriteNumber(name, number);
        else json.WriteNull(name);
    }

    static byte[] Lines(IEnumerable<TelemetryRecord> records) =>
        Text(string.Join('\n', records.Select(record => JsonSerializer.Serialize(record, McnJson.Default.TelemetryRecord))));

    static byte[] Text(string text) => Encoding.UTF8.GetBytes(Scrubber.Scrub(text));

    static byte[]? TextOf(string? text) => string.IsNullOrEmpty(text) ? null : Text(text);

    static byte[] Proc(string path) => Encoding.UTF8.GetBytes(File.ReadAllText(path));

    static byte[]? NewestLog(string? folder)
    {
        if (folder is null || !Directory.Exists(folder)) return null;
        return Directory.EnumerateFiles(folder, "*.log").OrderByDescending(File.GetLastWriteTimeUtc).FirstOrDefault() is { } newest ? Tail(newest) : null;
    }

    static byte[]? Tail(string path)
    {
        if (!File.Exists(path)) return null;
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        file.Position = Math.Max(0, file.Length - Large);
        using var reader = new StreamReader(file);
        return Text(reader.ReadToEnd());
    }
}
