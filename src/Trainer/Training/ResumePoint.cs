using Mcn.Web.Shared;
using Mcn.Web.Shared.Runs;
using Mcn.Web.Shared.Telemetry;
using Mcn.Web.Trainer.Recording;

namespace Mcn.Web.Trainer.Training;

/// <summary>
/// Where a process goes on: at the newest whole snapshot in memory or checkpoint on disk, and what the step after it gave when it was
/// done before. That step is repeated and must give the same, on a GPU as far as sums in another order allow; unequal without a known
/// reason, training does not go on.
/// </summary>
sealed class ResumePoint
{
    readonly StepProof? expected;
    readonly string? path;
    readonly string? newestOnDisk;
    readonly string[] knownReasons;
    readonly double tolerance;
    bool proven;

    ResumePoint(TrainingPosition position, TrainingPosition onDisk, CheckpointManifest? manifest, StepProof? expected,
        string? path, string? newestOnDisk, string[] knownReasons, double tolerance = 0)
    {
        (Position, OnDisk, Manifest, this.expected) = (position, onDisk, manifest, expected);
        (this.path, this.newestOnDisk, this.knownReasons, this.tolerance) = (path, newestOnDisk, knownReasons, tolerance);
        proven = manifest is null;
    }

    public TrainingPosition Position { get; }

    /// <summary>The newest one on disk: what a stop now would leave.</summary>
    public TrainingPosition OnDisk { get; }

    /// <summary>Null: training begins.</summary>
    public CheckpointManifest? Manifest { get; }

    /// <summary>Finds the newest state of this run and puts it into the replicas.</summary>
    /// <param name="present">Manifest of this process: run, data set, configuration and environment are compared with the state's.</param>
    /// <param name="tell">Told of what was passed over, with the reason.</param>
    /// <exception cref="UserError">The state belongs to other data or another network.</exception>
    public static ResumePoint Find(CheckpointStore store, SnapshotMemory memory, ReplicaTeam team, CheckpointManifest present, Action<string> tell)
    {
        var disk = store.FindNewest(tell);
        var tolerance = Determinism.Tolerance(team.Config.Devices);
        var onDisk = disk is { } newest ? TrainingState.PositionOf(newest.Manifest) : TrainingPosition.Start;
        if (memory.Newest() is var (slot, table, proof) && table.Manifest.RunId == present.RunId && Later(table.Manifest, disk?.Manifest))
        {
            RequireSameData("the snapshot in memory", table.Manifest, present);
            var position = TrainingState.Restore(team, table.Manifest, tensors => StateImage.Restore(slot, table, tensors));
            return new ResumePoint(position, onDisk, table.Manifest, proof, null, disk?.Path, Differences(table.Manifest, present), tolerance);
        }

        if (disk is not var (path, manifest)) return new ResumePoint(TrainingPosition.Start, onDisk, null, null, null, null, []);
        RequireSameData(path, manifest, present);
        var restored = TrainingState.Restore(team, manifest, tensors =>
        {
            foreach (var file in tensors.GroupBy(tensor => tensor.File)) TensorFile.Restore(Path.Combine(path, file.Key), [.. file]);
        });
        return new ResumePoint(restored, onDisk, manifest, CheckpointFolder.Proof(path), path, path, Differences(manifest, present), tolerance);
    }

    /// <summary>Whether this step is the one to compare.</summary>
    public bool WantsProof(TrainingPosition position) => !proven && position.Step == Position.Step;

    /// <summary>Compares the repeated step with the one of before.</summary>
    /// <returns>What to tell; null: there was nothing to compare with, from now on there is.</returns>
    /// <exception cref="UserError">They differ, and nothing explains it.</exception>
    public ResumeProven? Prove(StepProof repeated)
    {
        proven = true;
        if (expected is null || expected.Step != repeated.Step)
        {
            if (path is not null) CheckpointStore.WriteProof(path, repeated);
            return null;
        }

        var difference = expected.FirstDifference(repeated);
        if (expected.FirstDifference(repeated, tolerance) is { } unexplained && knownReasons.Length == 0)
        {
            throw new UserError($"the step after {repeated.Step}", $"repeated from {path ?? "the snapshot in memory"} it differs: {unexplained}",
                tolerance > 0 ? $"the same inputs, and a loss at most {tolerance:P1} away" : "the same, bit for bit",
                "Nothing that is known explains it (configuration, program, libraries, device, threads are the same). Suspect memory or device; an older checkpoint can be tried by moving this one away", ExitCodes.Refused);
        }

        return new ResumeProven
        {
            Step = repeated.Step,
            Source = path is null ? "memory" : "disk",
            Exact = difference is null,
            Text = difference is null ? "" : $"{difference}; {(knownReasons.Length > 0 ? $"changed since: {string.Join(", ", knownReasons)}" : "kernels of a GPU may add up in another order each time")}",
        };
    }

    /// <summary>The worker before this one died: what it left on disk last stays until a person has looked.</summary>
    public void MarkBeforeCrash(int incarnation)
    {
        if (newestOnDisk is not null && !File.Exists(Path.Combine(newestOnDisk, CheckpointFolder.BeforeCrashMark)))
            CheckpointStore.TryMark(newestOnDisk, CheckpointFolder.BeforeCrashMark, $"worker {incarnation} died after this one");
    }

    static bool Later(CheckpointManifest memory, CheckpointManifest? disk) =>
        disk is null || (memory.Step, memory.EpochsClosed).CompareTo((disk.Step, disk.EpochsClosed)) > 0;

    static void RequireSameData(string where, CheckpointManifest then, CheckpointManifest now)
    {
        if (then.Dataset == now.Dataset) return;
        throw new UserError(where, $"made on data set {then.Dataset}", $"data set {now.Dataset}",
            "List, captions or word vectors changed since; start a new run with --new", ExitCodes.Refused);
    }

    static string[] Differences(CheckpointManifest then, CheckpointManifest now)
    {
        List<string> found = [];
        if (then.ConfigSha256 is { } config && config != now.ConfigSha256) found.Add("configuration");
        foreach (var (name, value) in then.Environment)
            if (now.Environment.GetValueOrDefault(name) is var present && present != value) found.Add($"{name} {value} -> {present ?? "unknown"}");
        return [.. found];
    }
}
