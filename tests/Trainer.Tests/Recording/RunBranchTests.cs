using Mcn.Web.Shared;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.Shared.Runs;
using Mcn.Web.Shared.Telemetry;
using Mcn.Web.Trainer.Recording;
using Mcn.Web.Trainer.Tests.Training;
using Mcn.Web.Trainer.Training;

namespace Mcn.Web.Trainer.Tests.Recording;

/// <summary>A run that begins with a checkpoint of another.</summary>
public sealed class RunBranchTests
{
    [Fact]
    public void With_the_same_configuration_it_ends_with_the_very_same_bits_also_when_its_parent_is_gone()
    {
        using var run = new SmallRun();
        var (_, whole) = run.Train();
        var expected = run.NewestTensors();
        var branch = Branch(run, 4, run.Config);
        Directory.Delete(run.Folder.Path, recursive: true);

        var records = Train(branch, run.Config);

        Assert.Equal(new RunParent(run.Folder.RunId, 4), RunCatalog.Read(branch).Parent);
        var started = records.OfType<RunStarted>().Single();
        Assert.Equal(4, started.FromStep);
        Assert.Equal([4L], started.Checkpoints.Select(one => one.Step));
        Assert.True(records.OfType<ResumeProven>().Single().Exact);
        SmallRun.AssertSameTensors(expected, SmallRun.NewestTensors(branch));
        Assert.Equal(Losses(whole).Skip(4), Losses(records));
    }

    [Fact]
    public void Another_configuration_goes_on_from_there_and_is_named_as_the_reason_for_what_differs()
    {
        using var run = new SmallRun();
        run.Train();
        var config = run.Config with { Optimizer = run.Config.Optimizer with { Lr = run.Config.Optimizer.Lr / 2 } };

        var records = Train(Branch(run, 8, config), config);

        var proven = records.OfType<ResumeProven>().Single();
        Assert.False(proven.Exact);
        Assert.Contains("changed since: configuration", proven.Text, StringComparison.Ordinal);
        Assert.Equal("finished", records.OfType<RunEnded>().Single().Reason);
        Assert.Equal([4L, 8L, 12L], CheckpointFolder.List(run.Folder.Checkpoints).Select(entry => entry.Step)); // the parent's stay
    }

    [Fact]
    public void When_its_beginning_cannot_be_read_it_does_not_begin_at_step_0()
    {
        using var run = new SmallRun();
        run.Train();
        var branch = Branch(run, 4, run.Config);
        var model = Path.Combine(branch.Checkpoints, RunFolder.CheckpointName(4), "model.safetensors");
        var bytes = File.ReadAllBytes(model);
        bytes[^1] ^= 1;
        File.WriteAllBytes(model, bytes);

        var error = Assert.Throws<UserError>(() => Train(branch, run.Config));

        Assert.Equal(ExitCodes.Refused, error.ExitCode);
        Assert.Contains(run.Folder.RunId, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_checkpoint_that_is_not_there_makes_no_run()
    {
        using var run = new SmallRun();
        run.Train(steps: 4);
        Assert.Null(RunBranch.Create(new RunCatalog(run.DataFolder, TimeProvider.System), run.Folder, 5, run.Config));
        Assert.Single(Directory.GetDirectories(RunFolder.RunsOf(run.DataFolder)));
    }

    static RunFolder Branch(SmallRun run, long step, RunConfig config) => RunBranch.Create(new RunCatalog(run.DataFolder, TimeProvider.System), run.Folder, step, config)!;

    static List<TelemetryRecord> Train(RunFolder folder, RunConfig config)
    {
        var records = new List<TelemetryRecord>();
        using var session = TrainingSession.Open(config, folder, TimeProvider.System);
        session.Run(null, new RunControl(), records.Add);
        return records;
    }

    static double[] Losses(List<TelemetryRecord> records) => [.. records.OfType<StepMetrics>().Select(step => step.Values[MetricCatalog.Loss])];
}
