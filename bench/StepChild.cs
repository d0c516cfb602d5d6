using System.Diagnostics;
using System.Text.Json.Nodes;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.Trainer.Data;
using Mcn.Web.Trainer.Recording;
using Mcn.Web.Trainer.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Mcn.Web.Bench;

/// <summary>
/// One measurement of our training step: random clips of the configured shapes, the same host-to-device path, network, objective and
/// optimizer as in training, on as many replicas; no files, no records. Ten steps warm up (.NET compiles what runs often once more); each further
/// one is timed with its loss read back. Boards are told with their name and the memory that is used of them after the last step.
/// </summary>
static class StepChild
{
    public const string Name = "step";

    const int WarmUp = 10;
    const int Words = 1000;
    const int Calls = 20_000;

    public static JsonObject Run(string file, int steps, int threads)
    {
        var config = RunConfigFile.Read(file, [$"cpu_threads={threads}"]);
        var random = new CounterRandom(config.Seed, RandomPurpose.SampleSet);
        var vectors = new float[(Words + 1) * config.Model.WeDim];
        for (var i = config.Model.WeDim; i < vectors.Length; i++) vectors[i] = (float)(random.NextDouble() - 0.5);
        var marks = file + ".recorder";
        using var recorder = FlightRecorder.Create(marks, "bench", 1, [.. config.Devices.Select((_, rank) => $"rank {rank}")], TimeProvider.System);
        using var team = new ReplicaTeam(config, vectors, (rows, clusters, _, _) => [.. Enumerable.Range(0, clusters).Select(row => (long)row)], recorder.Lanes);
        var batch = Fill(new Batch(BatchShape.Of(config)), random, Words);
        var rowsOfSteps = new JsonArray();
        var (loss, allocated) = (0.0, 0L);
        for (var step = -WarmUp; step < steps; step++)
        {
            if (step == 0)
            {
                BenchChildren.Begin();
                allocated = GC.GetTotalAllocatedBytes();
            }

            batch.StepInEpoch = step + WarmUp;
            recorder.Lanes[0].Begin(batch.StepInEpoch, 0, []);
            var began = Stopwatch.GetTimestamp();
            var outcome = team.Step(batch, 1e-4, read: true);
            var whole = Stopwatch.GetElapsedTime(began).TotalSeconds;
            recorder.Lanes[0].Mark(RecorderPhase.StepDone);
            loss = outcome.Loss!.Total;
            if (step < 0) continue;
            rowsOfSteps.Add(new JsonObject
            {
                ["step"] = whole, ["forward"] = outcome.Forward.TotalSeconds, ["backward"] = (outcome.Backward + outcome.Exchange).TotalSeconds, ["optimizer"] = outcome.Optimizer.TotalSeconds,
                ["exchange"] = Exchange(RecorderReader.Read(marks)!.Lanes[0], batch.StepInEpoch),
            });
        }

        return new JsonObject { ["threads"] = threads, ["clips"] = config.ClipsPerStep, ["loss"] = loss, ["steps"] = rowsOfSteps, ["devices"] = Boards.Read(config.Devices),
            ["allocated"] = (GC.GetTotalAllocatedBytes() - allocated) / steps, ["call"] = SecondsOfACall() };
    }

    /// <summary>What a call costs beside its arithmetic: one number added to one.</summary>
    static double SecondsOfACall()
    {
        using var noGrad = no_grad();
        using var x = zeros(1);
        using var one = 1.ToScalar();
        var best = double.MaxValue;
        for (var round = 0; round < 5; round++)
        {
            var began = Stopwatch.GetTimestamp();
            for (var call = 0; call < Calls; call++) x.add_(one, one);
            best = Math.Min(best, Stopwatch.GetElapsedTime(began).TotalSeconds / Calls);
        }

        return best;
    }

    /// <summary>Seconds of a step that a rank waited for the others, summed its share of the gradients and copied theirs: part of the other phases.</summary>
    static double Exchange(LaneContent lane, long step) => lane.Marks.Zip(lane.Marks.Skip(1))
        .Where(pair => pair.First.Step == step && pair.First.Phase == RecorderPhase.Exchange)
        .Sum(pair => (pair.Second.Time - pair.First.Time).TotalSeconds);

    /// <summary>Clips as random as they can be, in the ranges of real ones.</summary>
    public static Batch Fill(Batch batch, CounterRandom random, int words)
    {
        for (var i = 0; i < batch.Video.Length; i++) batch.Video[i] = (float)random.NextDouble();
        for (var i = 0; i < batch.Audio.Length; i++) batch.Audio[i] = (Half)(-80 * random.NextDouble());
        for (var i = 0; i < batch.Tokens.Length; i++) batch.Tokens[i] = 1 + random.Next(words);
        batch.FrameCounts.AsSpan().Fill(batch.Shape.Frames);
        var norm = (float)Math.Sqrt(batch.Shape.VideoWidth / 3.0); // of uniform values: features are of length 1
        for (var i = 0; i < batch.Video.Length; i++) batch.Video[i] /= norm;
        return batch;
    }
}
