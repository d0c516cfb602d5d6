using System.Diagnostics;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.Shared.Runs;
using Mcn.Web.Trainer;
using Mcn.Web.Trainer.Training;
using static TorchSharp.torch;

namespace Mcn.Web.Bench;

/// <summary>
/// `bench checkpoint`: what a checkpoint of the published network costs. Training stands still for the copy only; sealing, writing and
/// reading back go on behind it; recovery is from memory, or from disk with every file verified first.
/// </summary>
static class CheckpointBench
{
    public static int Run(string[] arguments)
    {
        var options = new BenchArguments("checkpoint", arguments,
            new Dictionary<string, string?> { ["config"] = "deploy/config/howto100m.json", ["rounds"] = "3", ["dir"] = ".mcn/bench-checkpoint" });
        var config = RunConfigFile.Read(options.Text("config")!, ["devices=cpu"]);
        var folder = new RunFolder(Path.GetFullPath(options.Text("dir")!));
        Directory.CreateDirectory(folder.Path);
        try
        {
            var report = Measure(config, folder, options.Whole("rounds"));
            report.Print(options.Json);
            return ExitCodes.Done;
        }
        finally
        {
            Directory.Delete(folder.Path, recursive: true);
        }
    }

    static BenchReport Measure(RunConfig config, RunFolder folder, int rounds)
    {
        using var rank = new ReplicaTeam(config, new float[config.Model.WeDim * 2], (rows, clusters, _, _) => [.. Enumerable.Range(0, clusters).Select(row => (long)row)]);
        using (var scope = NewDisposeScope()) rank.Clusters?.Restore(rand(config.Objective.ClusterSize, config.Model.EmbdDim));
        using var memory = SnapshotMemory.Own();
        memory.Fit(TrainingState.BytesAtMost(rank));
        var store = new CheckpointStore(folder, config.Checkpoint with { KeepLast = 1, KeepBest = 0 }, TimeProvider.System);
        var report = new BenchReport("checkpoint");
        List<double> stalls = [], seals = [], writes = [], verifies = [], fromMemory = [], fromDisk = [];
        var bytes = 0L;
        for (var round = 0; round <= rounds; round++)
        {
            var slot = memory.Acquire()!;
            var (stall, table) = Timed(() =>
            {
                var tensors = TrainingState.TensorsOf(rank);
                var planned = StateImage.Plan(TrainingState.Count(rank, Manifest(round)), tensors);
                slot.Begin(planned, memory.NextSequence());
                StateImage.Copy(tensors, planned, slot);
                return planned;
            });
            bytes = table.DataBytes;
            var (seal, _) = Timed(() =>
            {
                slot.Seal();
                return true;
            });
            var (write, disk) = Timed(() => store.Write(slot, table));
            slot.Busy = false;
            var (memoryRecovery, _) = Timed(() => TrainingState.Restore(rank, table.Manifest, tensors => StateImage.Restore(slot, memory.Newest()!.Value.Table, tensors)));
            var (diskRecovery, _) = Timed(() =>
            {
                var (path, manifest) = store.FindNewest(text => throw new UserError(folder.Path, text, "a checkpoint that is whole", ""))!.Value;
                return TrainingState.Restore(rank, manifest, tensors =>
                {
                    foreach (var file in tensors.GroupBy(tensor => tensor.File)) TensorFile.Restore(Path.Combine(path, file.Key), [.. file]);
                });
            });
            if (round == 0) continue; // its memory is touched for the first time; the trainer takes it at its start
            stalls.Add(stall);
            seals.Add(seal);
            writes.Add(write - disk.Verify.TotalSeconds);
            verifies.Add(disk.Verify.TotalSeconds);
            fromMemory.Add(memoryRecovery);
            fromDisk.Add(diskRecovery);
        }

        var pace = new CheckpointPace(config.Checkpoint) { Stall = TimeSpan.FromSeconds(Median(stalls)), Write = TimeSpan.FromSeconds(Median(seals) + Median(writes) + Median(verifies)) };
        report.Add("", ("what", "stall (the copy; training stands still)"), ("median s", Median(stalls)), ("GB/s", bytes / 1e9 / Median(stalls)));
        report.Add("", ("what", "seal (hash, behind training)"), ("median s", Median(seals)), ("GB/s", bytes / 1e9 / Median(seals)));
        report.Add("", ("what", "write (flushed, behind training)"), ("median s", Median(writes)), ("GB/s", bytes / 1e9 / Median(writes)));
        report.Add("", ("what", "verify (read back, behind training)"), ("median s", Median(verifies)), ("GB/s", bytes / 1e9 / Median(verifies)));
        report.Add("", ("what", "recovery from memory"), ("median s", Median(fromMemory)), ("GB/s", bytes / 1e9 / Median(fromMemory)));
        report.Add("", ("what", "recovery from disk, verified first"), ("median s", Median(fromDisk)), ("GB/s", bytes / 1e9 / Median(fromDisk)));
        report.Ratio("share of the time that training stands still for snapshots in memory", pace.Stall / pace.Memory, $"<= {config.Checkpoint.MaxOverhead}");
        report.Ratio("seconds of work at risk, death of the process", pace.AtRisk(memory: true).TotalSeconds, $"<= {config.Checkpoint.MaxLossSeconds}");
        report.Ratio("seconds of work at risk, death of the machine", pace.AtRiskMachine.TotalSeconds, $"<= {config.Checkpoint.MaxLossSeconds}, or 5 x the write on a slow disk");
        var parameters = rank.Lead.Network.parameters().Sum(parameter => parameter.NumberOfElements);
        report.Note(FormattableString.Invariant($"{parameters:N0} parameters, both moments, queue and centroids: {bytes / 1e9:F2} GB; {rounds} rounds; intervals follow from these costs (checkpoint.max_overhead, checkpoint.max_loss_seconds)."));
        report.Note("On a GPU the copy crosses the bus: not measured here. The kernel may keep pages that it was asked to forget, so verify can be faster than the disk.");
        return report;
    }

    static CheckpointManifest Manifest(int step) => new()
    {
        FormatVersion = ProtocolVersion.Checkpoint, RunId = "bench", Incarnation = 1, Time = TimeProvider.System.GetUtcNow(), Step = step + 1, Epoch = 0, StepInEpoch = step + 1,
        EpochsClosed = 0, AdamSteps = 0, QueueHead = null, QueueFilled = null, Dataset = "", Files = [],
    };

    static (double Seconds, T Result) Timed<T>(Func<T> work)
    {
        var began = Stopwatch.GetTimestamp();
        var result = work();
        return (Stopwatch.GetElapsedTime(began).TotalSeconds, result);
    }

    static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
}
