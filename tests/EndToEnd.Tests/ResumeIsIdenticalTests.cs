namespace Mcn.Web.EndToEnd.Tests;

/// <summary>A daemon's run, killed again and again, ends as one that was left alone.</summary>
public sealed class ResumeIsIdenticalTests(SampleFixture sample)
{
    [Fact]
    public async Task Kills_after_the_queue_is_in_use_and_across_epochs_change_nothing()
    {
        var undisturbed = await sample.Undisturbed;
        using var site = new Site();
        site.Serve(sample.Long);
        foreach (var step in new[] { 40, 200, 500 })
        {
            await site.Reaches(step);
            var (worker, incarnation) = (Processes.Worker(site.Data)!.Value, Journal.Incarnations(site.Data));
            Processes.Signal(worker, "KILL");
            await Site.Until(() => Journal.Incarnations(site.Data) > incarnation, $"a worker after the kill at step {step}");
        }

        await site.Ends();
        Assert.Equal(TrainTests.Table(undisturbed), Journal.Table(site.Data));
        Assert.Equal(TrainTests.Losses(undisturbed), Journal.Losses(site.Data));
        Assert.Equal(4, Journal.Incarnations(site.Data));
        // The daemon hears of the end a moment after the worker's journal.
        await Site.Until(async () => (await Command.Run("status", "--data", site.Data)).Output.Contains("FINISHED at step 900", StringComparison.Ordinal), "the end is known");
    }
}
