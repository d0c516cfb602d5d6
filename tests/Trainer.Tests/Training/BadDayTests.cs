using Mcn.Web.Shared;
using Mcn.Web.Shared.Telemetry;
using Mcn.Web.Trainer.Import;
using Mcn.Web.Trainer.Tests.Data;

namespace Mcn.Web.Trainer.Tests.Training;

/// <summary>What a run meets on a bad day: it says what it found and loses nothing.</summary>
public sealed class BadDayTests
{
    [Fact]
    public void A_file_that_is_missing_ends_the_run_with_its_name_and_the_steps_before_it_are_reported()
    {
        using var run = new SmallRun();
        run.Train(steps: 4);
        for (var video = 0; video < 9; video++) File.Delete(run.Set.PathOf($"features/a/v{video}/v{video}_spec.npz"));
        var error = Assert.Throws<UserError>(() => run.Train());
        Assert.Contains("_spec.npz", error.Message, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Fails, error.ExitCode);
        Assert.Single(Directory.GetDirectories(run.Folder.Checkpoints)); // step 4 is still there, nothing half-written beside it
    }

    [Fact]
    public void Steps_before_a_bad_file_are_saved()
    {
        using var run = new SmallRun();
        run.Train(steps: 1);
        var torn = run.Set.PathOf("features/a/v0/v0_3d.npz"); // one of nine videos, eight of them in each epoch
        File.WriteAllBytes(torn, File.ReadAllBytes(torn)[..40]);
        var records = new List<TelemetryRecord>();
        Assert.Throws<UserError>(() => run.Train(watch: (record, _) => records.Add(record)));
        var trained = records.OfType<StepMetrics>().Select(step => step.Step).DefaultIfEmpty(1).Last();
        Assert.True(Directory.Exists(Path.Combine(run.Folder.Checkpoints, RunFolder.CheckpointName(trained))));
    }

    [Fact]
    public void Features_that_are_not_finite_are_named()
    {
        using var run = new SmallRun();
        for (var video = 0; video < 9; video++)
            run.Set.WriteFeatures(video, "2d", SmallSet.Array(ArrayType.Float16, [SmallSet.Seconds, 5], _ => double.NaN));
        var error = Assert.Throws<UserError>(() => run.Train());
        Assert.Contains("_2d.npz", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("\n", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_loss_that_is_not_finite_stops_the_run_and_is_not_saved()
    {
        using var run = new SmallRun();
        run.Config = run.Config with { Optimizer = run.Config.Optimizer with { Lr = 1e30, Schedule = "constant" } };
        var error = Assert.Throws<UserError>(() => run.Train());
        Assert.Contains("loss", error.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(run.Folder.Checkpoints));
    }

    [Fact]
    public void Weights_that_are_not_finite_are_never_saved()
    {
        // Reported only every 100 steps: the loss alone would not have told in time.
        using var run = new SmallRun();
        run.Config = run.Config with
        {
            Optimizer = run.Config.Optimizer with { Lr = 1e30, Schedule = "constant" },
            Telemetry = run.Config.Telemetry with { NDisplay = 100 },
        };
        Assert.Throws<UserError>(() => run.Train(steps: 2));
        Assert.False(Directory.Exists(run.Folder.Checkpoints) && Directory.GetDirectories(run.Folder.Checkpoints).Length > 0);
    }

    [Fact]
    public void A_checkpoint_that_cannot_be_written_is_an_alarm_until_the_end_and_then_a_failure()
    {
        using var run = new SmallRun();
        run.Train(steps: 1);
        Directory.Delete(run.Folder.Checkpoints, recursive: true);
        File.WriteAllText(run.Folder.Checkpoints, "in the way");
        var records = new List<TelemetryRecord>();
        var error = Assert.Throws<UserError>(() => run.Train(watch: (record, _) => records.Add(record)));
        Assert.Contains("not saved", error.Message, StringComparison.Ordinal);
        Assert.True(records.OfType<StepMetrics>().Any(step => step.Step == 12), "training went on to its end");
        Assert.True(records.OfType<Alert>().Count(alert => alert.Code == "checkpoint_failed") >= 3);
        Assert.Equal("failed", records.OfType<RunEnded>().Single().Reason);
    }

    [Fact]
    public void A_full_disk_is_noticed_before_anything_is_written_and_the_old_checkpoint_stays()
    {
        using var disk = SmallDisk.Mount(megabytes: 1);
        using var run = new SmallRun();
        run.Train(steps: 1);
        Directory.Delete(run.Folder.Checkpoints, recursive: true);
        Directory.CreateSymbolicLink(run.Folder.Checkpoints, disk.Path);
        var records = new List<TelemetryRecord>();
        Assert.Throws<UserError>(() => run.Train(steps: 5, watch: (record, _) => records.Add(record)));
        var alert = records.OfType<Alert>().First(alert => alert.Code == "checkpoint_failed").Text;
        Assert.Contains("bytes free", alert, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(disk.Path));
    }
}
