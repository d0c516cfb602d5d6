using System.Text;
using Mcn.Web.Dashboard.Telemetry;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Telemetry;
using Mcn.Web.TestKit;
using Microsoft.Data.Sqlite;

namespace Mcn.Web.Dashboard.Tests.Telemetry;

public sealed class RunStoreTests : IDisposable
{
    readonly TempFolder folder = new();
    Database database;
    RunCatalog catalog;
    RunStore store;

    public RunStoreTests() => (database, catalog, store) = Open();

    [Fact]
    public async Task A_bundle_sent_again_is_taken_once()
    {
        await store.IntroduceAsync(Records.Introduction("r"), "t");
        var run = catalog.Find("r")!;
        Assert.Equal(3, await store.StoreAsync(Records.Bundle("r", 1, 1, Records.Started(0), Records.Step(1), Records.Step(2))));
        Assert.Equal(3, await store.StoreAsync(Records.Bundle("r", 1, 1, Records.Started(0), Records.Step(1), Records.Step(2))));
        // Half of it known, half of it new.
        Assert.Equal(5, await store.StoreAsync(Records.Bundle("r", 1, 3, Records.Step(2), Records.Step(3), Records.Step(4))));
        Assert.Equal([1, 2, 3, 4], Steps());
        Assert.Equal(4, run.Read("step", (track, _) => track.Total));
    }

    [Fact]
    public async Task A_bundle_behind_a_gap_is_answered_with_the_place_to_go_on_from()
    {
        await store.IntroduceAsync(Records.Introduction("r"), "t");
        await store.StoreAsync(Records.Bundle("r", 1, 1, Records.Step(1)));
        Assert.Equal(1, await store.StoreAsync(Records.Bundle("r", 1, 3, Records.Step(3))));
        Assert.Equal([1], Steps());
    }

    [Fact]
    public async Task A_run_that_nobody_introduced_is_refused_and_others_in_the_same_commit_are_not()
    {
        await store.IntroduceAsync(Records.Introduction("r"), "t");
        var bad = store.StoreAsync(Records.Bundle("unknown", 1, 1, Records.Step(1)));
        var good = store.StoreAsync(Records.Bundle("r", 1, 1, Records.Step(1)));
        await Assert.ThrowsAsync<ArgumentException>(() => bad);
        Assert.Equal(1, await good);
    }

    [Fact]
    public async Task A_restart_of_the_dashboard_loses_and_doubles_nothing()
    {
        await store.IntroduceAsync(Records.Introduction("r"), "t");
        await store.StoreAsync(Records.Bundle("r", 1, 1, Enumerable.Range(1, 3000).Select(step => Records.Step(step, step))));
        database.Dispose();
        (database, catalog, store) = Open();
        Assert.Equal(3000, Assert.Single(store.Cursors()).Sequence);
        Assert.Equal(3001, await store.StoreAsync(Records.Bundle("r", 1, 2999, Records.Step(2999, 2999), Records.Step(3000, 3000), Records.Step(3001, 3001))));
        Assert.Equal(Enumerable.Range(1, 3001).Select(step => (double)step), Steps());
        var run = catalog.Find("r")!;
        Assert.Equal(3001, run.View.Step);
        Assert.Equal(3001, run.Read("step", (track, _) => track.Total));
    }

    [Fact]
    public async Task Points_come_back_as_they_went_in_whatever_the_sizes_of_bundles()
    {
        await store.IntroduceAsync(Records.Introduction("r"), "t");
        var first = 1L;
        foreach (var size in new[] { 1, 1022, 1, 1, 2049, 7, 1016, 1024 })
            first = 1 + await store.StoreAsync(Records.Bundle("r", 1, first, Enumerable.Range((int)first, size).Select(step => Records.Step(step, step * 0.5))));
        var points = database.Read(connection => PointStore.Read(connection, "r").Single().Points);
        Assert.Equal(Enumerable.Range(1, (int)first - 1).Select(step => (double)step), points.Select(point => point.Step));
        Assert.All(points, point => Assert.Equal(point.Step * 0.5, point.Value));
    }

    [Fact]
    public async Task A_restart_that_goes_back_marks_what_it_went_over_and_overwrites_nothing()
    {
        await store.IntroduceAsync(Records.Introduction("r"), "t");
        var run = catalog.Find("r")!;
        await store.StoreAsync(Records.Bundle("r", 1, 1, [Records.Started(0), .. Enumerable.Range(1, 10).Select(step => Records.Step(step))]));
        await store.StoreAsync(Records.Bundle("r", 2, 1, [Records.Started(6, 20), .. Enumerable.Range(7, 3).Select(step => Records.Step(step, 2, step + 20))]));
        Assert.Equal(6, database.Read(connection => Incarnations.Overtaken(connection, "r"))[1]);
        Assert.Equal(6, run.Read("step", (_, overtaken) => overtaken[1]));
        Assert.Equal(13, Steps().Count);
        Assert.Equal(9, run.View.Step);
    }

    [Fact]
    public async Task What_a_process_said_of_itself_stands_no_more_when_the_next_one_has_begun()
    {
        await store.IntroduceAsync(Records.Introduction("r"), "t");
        var run = catalog.Find("r")!;
        Alert Told(string code, double atSecond) => new() { Time = Records.Begin.AddSeconds(atSecond), Code = code, Text = code };
        string[] Standing() => [.. Dashboard.Alerts.AlertText.Standing(run.View.Alerts).Select(alert => alert.Code).Order(StringComparer.Ordinal)];
        await store.StoreAsync(Records.Bundle("r", 1, 1, Records.Started(0), Told("micro_batch_halved", 1), Told("run_failed", 2)));
        await store.StoreAsync(Records.Bundle("r", 1, 1, Told("disk_filling", 3)) with { Stream = "supervisor" });
        Assert.Equal(["disk_filling", "micro_batch_halved", "run_failed"], Standing());

        await store.StoreAsync(Records.Bundle("r", 2, 1, Told("checkpoint_damaged", 20), Records.Started(0, 21)));

        Assert.Equal(["checkpoint_damaged", "disk_filling"], Standing());
        Assert.Contains(run.View.Events, record => record is Alert { Code: "run_failed" }); // it happened
    }

    [Fact]
    public async Task The_step_of_a_run_is_that_of_its_newest_record()
    {
        await store.IntroduceAsync(Records.Introduction("r"), "t");
        var run = catalog.Find("r")!;
        var released = (RunStateChanged)Records.State(RunState.Released, atSecond: 20) with { Step = 19 }; // reported is each tenth step
        await store.StoreAsync(Records.Bundle("r", 1, 1, Records.Started(0), Records.Step(10), released));
        Assert.Equal(19, run.View.Step);
        await store.StoreAsync(Records.Bundle("r", 1, 4, Records.Step(20, 1, 30)));
        Assert.Equal(20, run.View.Step);
    }

    [Fact]
    public async Task A_record_of_a_newer_trainer_is_kept_and_does_not_stop_the_stream()
    {
        await store.IntroduceAsync(Records.Introduction("r"), "t");
        var bundle = Records.Bundle("r", 1, 1, Records.Step(1), Records.Step(2));
        bundle.Records[0] = Encoding.UTF8.GetBytes("""{"kind":"of_next_year","x":1}""");
        Assert.Equal(2, await store.StoreAsync(bundle));
        Assert.Equal(StoredRecord.Unknown, database.Read(connection => connection.Rows("SELECT kind FROM events", row => row.GetString(0))).Single());
        Assert.Equal([2], Steps());
    }

    [Fact]
    public async Task An_older_stream_that_comes_late_does_not_bring_back_an_old_state()
    {
        await store.IntroduceAsync(Records.Introduction("r"), "t");
        var run = catalog.Find("r")!;
        await store.StoreAsync(Records.Bundle("r", 2, 1, Records.State(RunState.Running, atSecond: 50)));
        await store.StoreAsync(Records.Bundle("r", 1, 1, Records.State(RunState.Crashed, atSecond: 40)));
        Assert.Equal(RunState.Running, run.View.State!.State);
        Assert.Equal(RunState.Running, Assert.Single(catalog.List()).State!.State);
    }

    [Fact]
    public void An_empty_file_gets_the_tables_and_a_newer_one_is_refused()
    {
        Assert.Equal(Schema.Version, database.Read(connection => connection.Number("PRAGMA user_version")));
        database.Dispose();
        using (var connection = new SqliteConnection($"Data Source={folder.File("d.db")};Pooling=False"))
        {
            connection.Open();
            connection.Run($"PRAGMA user_version = {Schema.Version + 1}");
        }

        var error = Assert.Throws<UserError>(() => new Database(folder.File("d.db")));
        Assert.Contains("newer program", error.Message, StringComparison.Ordinal);
        database = new Database(folder.File("other.db"));
    }

    public void Dispose()
    {
        database.Dispose();
        folder.Dispose();
    }

    List<double> Steps() => database.Read(connection => PointStore.Read(connection, "r").SelectMany(series => series.Points.Select(point => point.Step)).ToList());

    (Database, RunCatalog, RunStore) Open()
    {
        var opened = new Database(folder.File("d.db"));
        var runs = new RunCatalog(opened, TimeProvider.System);
        return (opened, runs, new RunStore(opened, runs, Microsoft.Extensions.Logging.Abstractions.NullLogger<RunStore>.Instance));
    }
}
