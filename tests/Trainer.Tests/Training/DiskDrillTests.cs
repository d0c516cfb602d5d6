using Mcn.Web.Shared.Telemetry;
using Mcn.Web.Trainer.Recording;
using Mcn.Web.Trainer.Supervisor;
using Mcn.Web.Trainer.Training;

namespace Mcn.Web.Trainer.Tests.Training;

/// <summary>Disks that refuse while a checkpoint is written: an alarm, training goes on, and once the disk does again so do checkpoints.</summary>
public sealed class DiskDrillTests
{
    [Fact]
    public void A_disk_that_is_full_is_told_before_anything_is_written_and_space_that_returns_is_used()
    {
        using var disk = SmallDisk.Mount(megabytes: 40);
        using var run = OnDisk(disk);
        var filler = Path.Combine(disk.Path, "filler");
        File.WriteAllBytes(filler, new byte[30 << 20]);
        var records = Train(run, failsUntilStep: 8, mend: () => File.Delete(filler));
        Assert.Contains("bytes free", Failures(records)[0], StringComparison.Ordinal);
        AssertMended(run, disk, records);
    }

    [Fact]
    public void Inodes_that_are_used_up_are_told_apart_from_space()
    {
        using var disk = SmallDisk.Mount(megabytes: 60, inodes: 100);
        using var run = OnDisk(disk);
        for (var file = 0; file < 70; file++) File.WriteAllText(Path.Combine(disk.Path, $"small{file}"), "");
        var records = Train(run, failsUntilStep: 8, mend: () =>
        {
            foreach (var small in Directory.GetFiles(disk.Path, "small*")) File.Delete(small);
        });
        Assert.Contains("inodes free", Failures(records)[0], StringComparison.Ordinal);
        AssertMended(run, disk, records);
    }

    [Fact]
    public void A_file_system_that_turns_read_only_is_told_and_used_again_when_it_is_writable()
    {
        using var disk = SmallDisk.Mount(megabytes: 60);
        using var run = OnDisk(disk);
        disk.MakeReadOnly();
        var records = Train(run, failsUntilStep: 8, mend: disk.MakeWritable);
        Assert.Contains("Read-only file system", Failures(records)[0], StringComparison.Ordinal);
        AssertMended(run, disk, records);
    }

    [Fact]
    public async Task A_flush_that_fails_once_is_not_repeated_but_everything_is_written_anew()
    {
        using var disk = new FaultyDisk();
        using var run = new SmallRun();
        using (var worker = SmallWorker.Start(run, null, ("LD_PRELOAD", disk.Library), ("MCN_SHIM_PATH", "optimizer.safetensors"), ("MCN_SHIM_FSYNC", "1")))
            Assert.Equal(new WorkerEnd(ExitCodes.Done, null), await worker.Ended());
        var records = run.Journal();
        var alert = Assert.Single(records.OfType<Alert>());
        Assert.True(alert.Code == "checkpoint_retried" && alert.Text.Contains("Input/output error (the flush to disk failed", StringComparison.Ordinal), $"{alert.Code}: {alert.Text}");
        Assert.Empty(Failures(records));
        Assert.Equal([4, 8, 12], records.OfType<CheckpointWritten>().Select(checkpoint => checkpoint.Step));
        Assert.All(CheckpointFolder.Paths(run.Folder.Checkpoints), path => Assert.Equal("", CheckpointFolder.Verify(path).Fault));
    }

    [Fact]
    public async Task A_journal_that_cannot_be_flushed_is_told_in_it_and_the_run_ends_in_order()
    {
        using var disk = new FaultyDisk();
        using var run = new SmallRun();
        using (var worker = SmallWorker.Start(run, null, ("LD_PRELOAD", disk.Library), ("MCN_SHIM_PATH", ".journal"), ("MCN_SHIM_FSYNC", "1")))
            Assert.Equal(new WorkerEnd(ExitCodes.Done, null), await worker.Ended());
        var records = run.Journal();
        var alert = Assert.IsType<Alert>(records[^1]);
        Assert.True(alert.Code == "journal_unflushed" && alert.Text.Contains("Input/output error (the flush to disk failed", StringComparison.Ordinal), $"{alert.Code}: {alert.Text}");
        Assert.Equal(Enumerable.Range(1, records.Count).Select(number => (long)number), records.Select(record => record.Id!.Sequence));
    }

    [Fact]
    public async Task A_disk_that_fills_up_in_the_middle_of_saving_leaves_no_half_and_the_older_ones_whole()
    {
        using var disk = new FaultyDisk();
        using var run = new SmallRun().Longer(epochs: 100, everySteps: 4);
        using (var worker = SmallWorker.Start(run, null, ("LD_PRELOAD", disk.Library), ("MCN_SHIM_PATH", ".safetensors"), ("MCN_SHIM_FULL", disk.Full)))
        {
            await Wait.For(() => Directory.Exists(run.Folder.Checkpoints) && CheckpointFolder.List(run.Folder.Checkpoints).Count > 0, "a first checkpoint");
            File.WriteAllText(disk.Full, "");
            await Wait.For(() => Failures(run.Journal()).Length > 0, "the alarm");
            Assert.All(CheckpointFolder.Paths(run.Folder.Checkpoints), path => Assert.Equal("", CheckpointFolder.Verify(path).Fault));
            Assert.NotEmpty(CheckpointFolder.Paths(run.Folder.Checkpoints));
            File.Delete(disk.Full);
            await worker.Ended();
        }

        Assert.Contains("No space left on device", Failures(run.Journal())[0], StringComparison.Ordinal);
        Assert.Contains(run.Journal().OfType<Alert>(), alert => alert.Code == "checkpoint_failed_cleared");
        Assert.Equal("finished", run.Journal().OfType<RunEnded>().Last().Reason);
        Assert.Empty(Directory.GetDirectories(run.Folder.Checkpoints, ".*"));
    }

    /// <summary>A run whose checkpoints lie on that disk.</summary>
    static SmallRun OnDisk(SmallDisk disk)
    {
        var run = new SmallRun();
        Directory.CreateSymbolicLink(run.Create().Checkpoints, disk.Path);
        return run;
    }

    /// <summary>Trains to the end; the checkpoint of step 4 fails, then the disk is mended.</summary>
    static List<TelemetryRecord> Train(SmallRun run, long failsUntilStep, Action mend)
    {
        var mended = false;
        using var seen = new ManualResetEventSlim();
        var (reason, records) = run.Train(watch: (record, _) =>
        {
            if (record is Alert { Code: "checkpoint_failed" } && !mended)
            {
                mend();
                mended = true;
            }
        });
        Assert.Equal("finished", reason);
        Assert.True(mended, $"a failure before step {failsUntilStep}");
        return records;
    }

    static void AssertMended(SmallRun run, SmallDisk disk, List<TelemetryRecord> records)
    {
        Assert.Contains(records.OfType<Alert>(), alert => alert.Code == "checkpoint_failed_cleared");
        Assert.Equal(12, records.OfType<CheckpointWritten>().Last().Step);
        Assert.Equal([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], records.OfType<StepMetrics>().Select(step => step.Step)); // training never stopped
        Assert.Empty(Directory.GetDirectories(disk.Path, ".*"));
        Assert.Equal("", CheckpointFolder.Verify(CheckpointFolder.Paths(run.Folder.Checkpoints).Last()).Fault);
    }

    static string[] Failures(IEnumerable<TelemetryRecord> records) => [.. records.OfType<Alert>().Where(alert => alert.Code == "checkpoint_failed").Select(alert => alert.Text)];
}
