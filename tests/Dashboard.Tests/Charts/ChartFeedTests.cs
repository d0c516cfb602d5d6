using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Mcn.Web.Dashboard.Charts;
using Mcn.Web.Dashboard.Telemetry;
using Mcn.Web.Shared.Runs;
using Mcn.Web.Shared.Telemetry;

namespace Mcn.Web.Dashboard.Tests.Charts;

public sealed class ChartFeedTests
{
    static readonly ChartSpec Loss = new("ChartLoss", "", "step", [new ChartLine(MetricCatalog.Loss, "loss", "#000")]);
    readonly RunProjection run = new(Records.Introduction("r"), "t", new Viewers(TimeProvider.System));
    long sequence;

    [Fact]
    public void After_the_first_transfer_only_new_points_cross()
    {
        var feed = new ChartFeed(Loss, new ChartChoice());
        Add(1, Enumerable.Range(1, 100).Select(step => Records.Step(step, step)));
        Assert.Equal((true, 100), Size(feed.Next(run)!));
        Assert.Null(feed.Next(run));
        Add(1, [Records.Step(101, 101)]);
        var more = feed.Next(run)!;
        Assert.Equal((false, 1), Size(more));
        Assert.Equal((101.0, 101f), (X(more)[0], Y(more)[0]));
    }

    [Fact]
    public void A_spike_of_one_sample_survives_a_run_of_half_a_million()
    {
        int[] spikes = [3, 77_777, 250_001, 499_990];
        Add(1, Enumerable.Range(1, 500_000).Select(step => Records.Step(step, spikes.Contains(step) ? 1000 + step : Math.Sin(step))));
        var message = new ChartFeed(Loss, new ChartChoice()).Next(run)!;
        Assert.InRange(Size(message).Rows, 1000, 2 * Track.Buckets);
        Assert.All(spikes, spike => Assert.Contains(1000f + spike, Y(message)));
        Assert.Equal(X(message).Order(), X(message));
    }

    [Fact]
    public void A_pause_is_a_gap_over_time_and_none_over_steps()
    {
        Add(1, Enumerable.Range(1, 20).Select(step => Records.Step(step, 1)));
        Add(1, Enumerable.Range(21, 20).Select(step => Records.Step(step, 1, step + 600)));
        Assert.Single(Y(new ChartFeed(Loss, new ChartChoice(BySteps: false)).Next(run)!), float.IsNaN);
        Assert.DoesNotContain(Y(new ChartFeed(Loss, new ChartChoice()).Next(run)!), float.IsNaN);
    }

    [Fact]
    public void Overtaken_points_are_hidden_or_dimmed_and_the_viewer_gets_the_whole_anew()
    {
        var feed = new ChartFeed(Loss, new ChartChoice());
        Add(1, [Records.Started(0), .. Enumerable.Range(1, 10).Select(step => Records.Step(step, 1))]);
        Assert.Equal((true, 10), Size(feed.Next(run)!));
        sequence = 0;
        Add(2, [Records.Started(6, 30), .. Enumerable.Range(7, 2).Select(step => Records.Step(step, 2, step + 30))]);
        var anew = feed.Next(run)!;
        // Six steps, a break where the new process begins, two steps.
        Assert.Equal((true, 9), Size(anew));
        Assert.Equal([1, 1, 1, 1, 1, 1, float.NaN, 2, 2], Y(anew));
        var both = new ChartFeed(Loss, new ChartChoice(Overtaken: true)).Next(run)!;
        Assert.Equal(4, Y(both)[Size(both).Rows..].Count(value => value == 1));
        Assert.Equal(X(both).Order(), X(both));
    }

    [Fact]
    public async Task The_curve_of_a_branch_begins_with_what_it_has_in_common_with_its_parents()
    {
        await using var dashboard = await RunningDashboard.StartAsync();
        var store = dashboard.Get<RunStore>();
        await Store("eldest", null, Records.Started(0), Steps(1, 10, loss: 1));
        await Store("parent", new RunParent("eldest", 4), Records.Started(4, 100), Steps(5, 12, loss: 2, second: 100));
        await Store("branch", new RunParent("parent", 6), Records.Started(6, 200), Steps(7, 9, loss: 3, second: 200));
        var branch = dashboard.Get<RunCatalog>().Find("branch")!;

        var message = new ChartFeed(Loss, new ChartChoice()).Next(branch)!;

        Assert.Equal([1, 1, 1, 1, float.NaN, 2, 2, float.NaN, 3, 3, 3], Y(message));
        Assert.Equal([1, 2, 3, 4, 5, 6, 7, 8, 9], X(message).Zip(Y(message)).Where(point => !float.IsNaN(point.Second)).Select(point => point.First));
        Assert.Equal([1, 1, 1, 1, float.NaN, 2, 2, 2, 2, 2, 2, 2, 2], Y(new ChartFeed(Loss, new ChartChoice()).Next(dashboard.Get<RunCatalog>().Find("parent")!)!));

        async Task Store(string run, RunParent? parent, TelemetryRecord started, IEnumerable<TelemetryRecord> steps)
        {
            await store.IntroduceAsync(Records.Introduction(run) with { Parent = parent }, "t");
            await store.StoreAsync(Records.Bundle(run, 1, 1, steps.Prepend(started)));
        }

        static IEnumerable<TelemetryRecord> Steps(int from, int to, double loss, double second = 0) => Enumerable.Range(from, to - from + 1).Select(step => Records.Step(step, loss, second + step));
    }

    [Fact]
    public async Task A_viewer_that_sleeps_finds_one_change_however_often_it_was_poked()
    {
        var viewers = new Viewers(TimeProvider.System);
        using var ear = viewers.Subscribe(TimeSpan.Zero);
        for (var i = 0; i < 1000; i++) viewers.Poke();
        await ear.NextAsync(CancellationToken.None);
        using var soon = new CancellationTokenSource(TimeSpan.FromMilliseconds(100));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => ear.NextAsync(soon.Token));
    }

    void Add(int incarnation, IEnumerable<TelemetryRecord> records) => run.Apply(
        [.. records.Select(record => new StoredRecord(new RecordId("r", incarnation, "worker", ++sequence), "x", [], record with { Id = new RecordId("r", incarnation, "worker", sequence) }))], Records.Begin);

    static (bool Anew, int Rows) Size(byte[] message) => (BinaryPrimitives.ReadInt32LittleEndian(message) == 1, BinaryPrimitives.ReadInt32LittleEndian(message.AsSpan(8)));

    static double[] X(byte[] message) => MemoryMarshal.Cast<byte, double>(message.AsSpan(16, 8 * Size(message).Rows)).ToArray();

    static float[] Y(byte[] message) => MemoryMarshal.Cast<byte, float>(message.AsSpan(16 + (8 * Size(message).Rows))).ToArray();
}
