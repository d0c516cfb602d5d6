using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.Trainer.Data;
using Mcn.Web.Trainer.Training;
using static TorchSharp.torch;

namespace Mcn.Web.Bench;

/// <summary>One measurement of a step's memory: random clips, the team, objective and optimizer of training; no files read, no records.</summary>
static class MemoryChild
{
    public const string Name = "memory";

    const int Words = 1000;

    /// <param name="gradients">File to write the first step's gradients to, all parameters one after another.</param>
    public static JsonObject Run(string file, int steps, int threads, string gradients)
    {
        var config = RunConfigFile.Read(file, [$"cpu_threads={threads}"]);
        var vectors = new float[(Words + 1) * config.Model.WeDim];
        var random = new CounterRandom(config.Seed, RandomPurpose.SampleSet);
        for (var i = config.Model.WeDim; i < vectors.Length; i++) vectors[i] = (float)(random.NextDouble() - 0.5);
        foreach (var device in TorchDevices.Open(config)) zeros(1, device: device).Dispose(); // libraries and contexts are there from the first one on
        GC.Collect();
        var (before, boardsBefore) = (Status("VmRSS"), Boards.Read(config.Devices));

        using var team = new ReplicaTeam(config, vectors, (rows, clusters, _, _) => [.. Enumerable.Range(0, clusters).Select(row => (long)row)]);
        var batch = StepChild.Fill(new Batch(BatchShape.Of(config)), random, Words);
        var inputs = Buffer.ByteLength(batch.Video) + ((long)batch.Audio.Length * sizeof(short)) + Buffer.ByteLength(batch.Tokens) + Buffer.ByteLength(batch.FrameCounts);
        var began = Stopwatch.GetTimestamp();
        for (var step = 0; step < steps; step++)
        {
            batch.StepInEpoch = step;
            began = Stopwatch.GetTimestamp();
            team.Step(batch, 1e-4, read: true);
            if (step == 0) Write(team, gradients);
        }

        return new JsonObject
        {
            ["peak"] = boardsBefore.Count == 0 ? Status("VmHWM") - before : Boards.MostGrowth(boardsBefore, Boards.Read(config.Devices)),
            ["inputs"] = boardsBefore.Count == 0 ? inputs : 0, // else they lie in other memory
            ["embeddings"] = 3L * config.ClipsPerStep * config.Model.EmbdDim * sizeof(float),
            ["held"] = team.ClipsHeld,
            ["seconds"] = Stopwatch.GetElapsedTime(began).TotalSeconds,
        };
    }

    /// <summary>After one step the first moment is the gradient times 1 - beta1.</summary>
    static void Write(ReplicaTeam team, string file)
    {
        using var scope = NewDisposeScope();
        using var stream = File.Create(file);
        foreach (var moment in team.Moments) stream.Write(moment.First.flatten().bytes);
    }

    static long Status(string key)
    {
        var line = File.ReadLines("/proc/self/status").First(text => text.StartsWith(key + ":", StringComparison.Ordinal));
        return long.Parse(line.Split(':')[1].Replace("kB", "", StringComparison.Ordinal).Trim(), CultureInfo.InvariantCulture) * 1024;
    }
}
