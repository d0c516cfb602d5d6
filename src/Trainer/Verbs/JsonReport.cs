using System.Text.Json;
using Mcn.Web.Shared.Telemetry;

namespace Mcn.Web.Trainer.Verbs;

/// <summary>What shows a run's records as they come.</summary>
interface ITrainingReport : IDisposable
{
    void Show(TelemetryRecord record);
}

/// <summary>One JSON object a line: metric names as keys for a step, `event` and its fields for everything else.</summary>
sealed class JsonReport(TextWriter output) : ITrainingReport
{
    public void Show(TelemetryRecord record)
    {
        if (record is RunStateChanged) return; // for the dashboard; `started` and the end say it here
        using var memory = new MemoryStream();
        using (var json = new Utf8JsonWriter(memory))
        {
            json.WriteStartObject();
            Write(json, record);
            json.WriteString("time", record.Time);
            if (record.Id is { } id)
            {
                json.WriteString("run", id.Run);
                json.WriteNumber("incarnation", id.Incarnation);
                json.WriteString("stream", id.Stream);
                json.WriteNumber("sequence", id.Sequence);
            }

            json.WriteEndObject();
        }

        output.WriteLine(System.Text.Encoding.UTF8.GetString(memory.GetBuffer().AsSpan(0, (int)memory.Length)));
        output.Flush();
    }

    static void Write(Utf8JsonWriter json, TelemetryRecord record)
    {
        switch (record)
        {
            case StepMetrics step:
                json.WriteNumber("step", step.Step);
                json.WriteNumber("epoch", step.Epoch);
                foreach (var (name, value) in step.Values) json.WriteNumber(name, value);
                break;
            case RunStarted started:
                json.WriteString("event", "started");
                json.WriteString("name", started.Name);
                json.WriteNumber("step", started.FromStep);
                json.WriteNumber("total_steps", started.TotalSteps);
                json.WriteNumber("steps_per_epoch", started.StepsPerEpoch);
                json.WriteNumber("epochs", started.Epochs);
                json.WriteNumber("clips_per_step", started.ClipsPerStep);
                json.WriteNumber("parameters", started.Parameters);
                json.WriteString("device", started.Device);
                json.WriteString("precision", started.Precision);
                if (started.Batch is { } batch) WriteBatch(json, batch);
                if (started.Links is { } links) json.WriteString("links", links);
                json.WriteStartArray("boards");
                foreach (var board in started.Boards) json.WriteStringValue(board);
                json.WriteEndArray();
                json.WriteStartObject("compatibility");
                foreach (var (name, on) in started.Compatibility ?? new Dictionary<string, bool>()) json.WriteBoolean(name, on);
                json.WriteEndObject();
                if (started.Shards is { } shards)
                {
                    json.WriteStartObject("shards");
                    json.WriteString("mode", shards.Mode);
                    json.WriteString("because", shards.Because);
                    json.WriteNumber("echo", shards.Echo);
                    json.WriteNumber("shards", shards.Shards);
                    json.WriteNumber("shards_per_window", shards.ShardsPerWindow);
                    json.WriteNumber("togetherness", shards.Togetherness);
                    json.WriteEndObject();
                }

                break;
            case EvaluationFinished evaluation:
                json.WriteString("event", "evaluation");
                json.WriteNumber("step", evaluation.Step);
                json.WriteNumber("epoch", evaluation.Epoch);
                json.WriteNumber("duration_seconds", evaluation.DurationSeconds);
                WriteTable(json, evaluation);
                break;
            case CheckpointWritten checkpoint:
                json.WriteString("event", "checkpoint");
                json.WriteNumber("step", checkpoint.Step);
                json.WriteString("path", checkpoint.Path);
                json.WriteNumber("bytes", checkpoint.Bytes);
                json.WriteNumber("duration_seconds", checkpoint.DurationSeconds);
                json.WriteNumber("stall_seconds", checkpoint.StallSeconds);
                json.WriteNumber("verify_seconds", checkpoint.VerifySeconds);
                json.WriteString("reason", checkpoint.Reason);
                break;
            case ResumeProven resume:
                json.WriteString("event", "resume");
                json.WriteNumber("step", resume.Step);
                json.WriteString("source", resume.Source);
                json.WriteBoolean("exact", resume.Exact);
                json.WriteString("text", resume.Text);
                break;
            case Alert alert:
                json.WriteString("event", "alert");
                json.WriteString("code", alert.Code);
                json.WriteString("text", alert.Text);
                break;
            case RunEnded ended:
                json.WriteString("event", ended.Reason);
                json.WriteNumber("step", ended.Step);
                json.WriteNumber("duration_seconds", ended.DurationSeconds);
                json.WriteNumber("median_step_seconds", ended.MedianStepSeconds);
                json.WriteNumber("peak_memory_bytes", ended.PeakMemoryBytes);
                json.WriteNumber("dropped_records", ended.DroppedRecords);
                break;
            case WorkerExited or CommandHandled or GpuSample or HostSample or LogLine:
                throw new InvalidOperationException($"{record.GetType().Name} is the supervisor's; a foreground run has none");
            default:
                throw new InvalidOperationException($"No line for {record.GetType().Name}");
        }
    }

    static void WriteBatch(Utf8JsonWriter json, BatchSplit batch)
    {
        json.WriteStartObject("batch");
        json.WriteNumber("videos", batch.Videos);
        json.WriteNumber("clips_per_video", batch.ClipsPerVideo);
        json.WriteNumber("replicas", batch.Replicas);
        json.WriteNumber("clips_per_replica", batch.ClipsPerReplica);
        json.WriteNumber("batchnorm_group", batch.GroupClips);
        json.WriteNumber("held_clips", batch.ClipsHeld);
        json.WriteNumber("encoded_twice", batch.EncodedTwice(batch.ClipsHeld));
        json.WriteStartObject("planned_bytes");
        foreach (var memory in batch.Planned) json.WriteNumber(memory.Device, memory.Bytes);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    /// <summary>`file`, `n` and `rows` as `eval --json` prints them.</summary>
    internal static void WriteTable(Utf8JsonWriter json, EvaluationFinished evaluation)
    {
        json.WriteString("file", evaluation.File);
        json.WriteNumber("n", evaluation.N);
        json.WriteStartArray("rows");
        foreach (var row in evaluation.Rows)
        {
            json.WriteStartObject();
            json.WriteString("direction", row.Direction);
            json.WriteNumber("r1", row.R1);
            json.WriteNumber("r5", row.R5);
            json.WriteNumber("r10", row.R10);
            WriteFinite(json, "medr", row.Medr);
            WriteFinite(json, "meanr", row.Meanr);
            json.WriteStartObject("ci95");
            foreach (var (metric, interval) in row.Ci95)
            {
                json.WriteStartArray(metric);
                foreach (var bound in interval) json.WriteNumberValue(bound);
                json.WriteEndArray();
            }

            json.WriteEndObject();
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    /// <summary>A rank that nobody has (the original's counting of a network that gives NaN) is null: JSON has no NaN.</summary>
    static void WriteFinite(Utf8JsonWriter json, string name, double value)
    {
        if (double.IsFinite(value)) json.WriteNumber(name, value);
        else json.WriteNull(name);
    }

    public void Dispose() => output.Flush();
}
