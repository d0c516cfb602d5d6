using Mcn.Web.Shared;
using Mcn.Web.Shared.Telemetry;
using Mcn.Web.Trainer.Training;

namespace Mcn.Web.Trainer.Tests.Training;

public sealed class ResumeTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(6)]
    [InlineData(11)]
    public void A_run_left_after_any_step_ends_with_the_very_same_bits(int leaveAfter)
    {
        using var whole = new SmallRun();
        var (_, expected) = whole.Train();
        using var cut = new SmallRun();

        var first = cut.Train(steps: leaveAfter);
        var second = cut.Train();

        Assert.Equal("step_limit", first.Reason);
        Assert.Equal("finished", second.Reason);
        Assert.Equal(leaveAfter, second.Records.OfType<RunStarted>().Single().FromStep);
        SmallRun.AssertSameTensors(whole.NewestTensors(), cut.NewestTensors());
        Assert.Equal(Losses(expected), Losses([.. first.Records, .. second.Records]));
        Assert.Equal(Recalls(expected), Recalls([.. first.Records, .. second.Records]));
    }

    [Fact]
    public void A_stop_in_the_middle_of_an_evaluation_leaves_it_for_the_next_start()
    {
        using var whole = new SmallRun();
        var (_, expected) = whole.Train();
        using var cut = new SmallRun();

        // Reported at the end of epoch 0, before its evaluation: the stop is seen by one of the two, whichever is first.
        var first = cut.Train(watch: (record, control) =>
        {
            if (record is StepMetrics { Step: 4 }) control.RequestStop();
        });
        var second = cut.Train();

        Assert.Equal("interrupted", first.Reason);
        Assert.Equal("finished", second.Reason);
        Assert.Equal(Recalls(expected), Recalls([.. first.Records, .. second.Records]));
        SmallRun.AssertSameTensors(whole.NewestTensors(), cut.NewestTensors());
    }

    [Fact]
    public void The_number_of_reader_threads_does_not_change_a_bit()
    {
        using var one = new SmallRun();
        one.Config = one.Config with { Data = one.Config.Data with { NumThreadReader = 1 } };
        one.Train();
        using var seven = new SmallRun();
        seven.Config = seven.Config with { Data = seven.Config.Data with { NumThreadReader = 7 } };
        seven.Train();
        SmallRun.AssertSameTensors(one.NewestTensors(), seven.NewestTensors());
    }

    [Fact]
    public void A_checkpoint_of_other_data_is_refused()
    {
        using var run = new SmallRun();
        run.Train(steps: 2);
        run.Set.Captions["v0"] = Mcn.Web.Trainer.Tests.Data.SmallSet.Caption(new List<object?> { 0.0 }, new List<object?> { 5.0 }, new List<object?> { "word1" });
        run.Set.WriteCaptions();
        var error = Assert.Throws<UserError>(() => run.Train());
        Assert.Contains("data set", error.Message, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Refused, error.ExitCode);
    }

    [Fact]
    public void One_run_is_trained_by_one_process_only()
    {
        using var run = new SmallRun();
        run.Train(steps: 1);
        using var held = TrainingSession.Open(run.Config, run.Folder, TimeProvider.System);
        var error = Assert.Throws<UserError>(() => TrainingSession.Open(run.Config, run.Folder, TimeProvider.System));
        Assert.Equal(ExitCodes.Refused, error.ExitCode);
    }

    [Fact]
    public void Records_are_numbered_without_gaps_and_know_their_incarnation()
    {
        using var run = new SmallRun();
        var first = run.Train(steps: 3).Records;
        var second = run.Train(steps: 5).Records;
        foreach (var (records, incarnation) in new[] { (first, 1), (second, 2) })
        {
            Assert.Equal(Enumerable.Range(1, records.Count).Select(n => (long)n), records.Select(record => record.Id!.Sequence));
            Assert.All(records, record => Assert.Equal((run.Folder.RunId, incarnation, "worker"), (record.Id!.Run, record.Id.Incarnation, record.Id.Stream)));
        }

        var journal = Mcn.Web.Trainer.Recording.JournalReader.Read(run.Folder.JournalOf("worker", 2)).ToArray();
        Assert.Equal(second.Select(record => record.Id), journal.Select(record => record.Id));
    }

    static double[] Losses(List<TelemetryRecord> records) => [.. records.OfType<StepMetrics>().Select(step => step.Values[MetricCatalog.Loss])];

    static double[] Recalls(List<TelemetryRecord> records) => [.. records.OfType<EvaluationFinished>().SelectMany(e => e.Rows).SelectMany(row => new[] { row.R1, row.Meanr })];
}
