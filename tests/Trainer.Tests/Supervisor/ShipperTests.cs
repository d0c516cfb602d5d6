using System.Text.Json;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Link;
using Mcn.Web.Shared.Runs;
using Mcn.Web.Shared.Telemetry;
using Mcn.Web.TestKit;
using Mcn.Web.Trainer.Recording;
using Mcn.Web.Trainer.Supervisor;

namespace Mcn.Web.Trainer.Tests.Supervisor;

/// <summary>The shipper against a store that is cut off again and again: nothing lost, nothing doubled, nothing sent before its run is introduced.</summary>
public sealed class ShipperTests
{
    const int Records = 3000;
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Nothing_is_lost_or_doubled_over_cuts_on_either_side_of_the_commit()
    {
        using var temp = new TempFolder();
        var trainer = new TrainerFolder(temp.Path);
        var run = NewRun(temp.Path);
        var store = new Store { CutEvery = 3 };
        using var writing = SupervisorJournal.Open(run.Journal, run.RunId, TimeProvider.System);
        using (var other = new JournalWriter(run.JournalOf("worker", 1)))
            for (var i = 1; i <= Records; i++) other.Append(Record(i));
        using (var machine = SupervisorJournal.Open(trainer.Journal, trainer.MachineRun(), TimeProvider.System)) machine.Write(Record(1));

        var writer = Task.Run(async () =>
        {
            for (var i = 1; i <= Records; i++)
            {
                writing.Write(Record(i));
                if (i % 100 == 0) await Task.Delay(2);
            }
        });
        var connections = 0;
        var end = TimeProvider.System.GetUtcNow() + Patience;
        while (!(writer.IsCompleted && store.Has(run.RunId, "worker") == Records && store.Has(run.RunId, "supervisor") == Records && store.Has(trainer.MachineRun(), "supervisor") == 1))
        {
            Assert.True(TimeProvider.System.GetUtcNow() < end, "waited in vain for the store");
            connections++;
            // A new shipper each time: a restart of the trainer keeps nothing either.
            var shipper = new JournalShipper(trainer, Serilog.Core.Logger.None, TimeProvider.System);
            using var connection = new CancellationTokenSource(TimeSpan.FromMilliseconds(500));
            try
            {
                await shipper.ShipAsync(store, await store.Hello(new Hello(1, "t", "t", "1")), connection.Token);
            }
            catch (IOException)
            {
                // cut off: the next connection begins with what the store has
            }
        }

        Assert.True(connections > 3, "the store never cut the line");
        Assert.Equal(Enumerable.Range(1, Records).Select(i => $"line {i}"), store.Lines(run.RunId, "worker"));
        Assert.Equal(Enumerable.Range(1, Records).Select(i => $"line {i}"), store.Lines(run.RunId, "supervisor"));
    }

    [Fact]
    public async Task A_store_that_has_it_all_is_sent_nothing()
    {
        using var temp = new TempFolder();
        var run = NewRun(temp.Path);
        using (var journal = new JournalWriter(run.JournalOf("worker", 1)))
            for (var i = 1; i <= 10; i++) journal.Append(Record(i));
        var trainer = new TrainerFolder(temp.Path);
        var store = new Store();
        var welcome = new Welcome(true, null, [new StreamCursor(run.RunId, 1, "worker", 10)]);
        using var brief = new CancellationTokenSource(TimeSpan.FromMilliseconds(300));
        var shipper = new JournalShipper(trainer, Serilog.Core.Logger.None, TimeProvider.System);
        await shipper.ShipAsync(store, welcome, brief.Token);

        Assert.Equal((0, 0), (store.Bundles, shipper.Unsent));
    }

    static RunFolder NewRun(string data)
    {
        var run = new RunFolder(Path.Combine(RunFolder.RunsOf(data), "20260101-000000-abcdef"));
        Directory.CreateDirectory(run.Path);
        File.WriteAllText(run.Config, "{}");
        RunCatalog.Write(run, new RunIdentity { FormatVersion = 1, RunId = run.RunId, Name = "n", Created = default, Incarnation = 1, Finished = false });
        return run;
    }

    static LogLine Record(int i) => new() { Source = "worker", Level = "information", Text = $"line {i}" };

    /// <summary>A hub that commits, and cuts the line before or after it has.</summary>
    sealed class Store : ITrainerHub
    {
        readonly Dictionary<(string Run, int Incarnation, string Stream), List<string>> streams = [];

        public int CutEvery { get; init; }

        public int Bundles { get; private set; }

        public HashSet<string> Introduced { get; } = [];

        public int Has(string run, string stream) => Lines(run, stream).Count;

        public List<string> Lines(string run, string stream) => streams.GetValueOrDefault((run, 1, stream)) ?? [];

        public Task<Welcome> Hello(Hello hello)
        {
            Introduced.Clear();
            return Task.FromResult(new Welcome(true, null,
                [.. streams.Select(entry => new StreamCursor(entry.Key.Run, entry.Key.Incarnation, entry.Key.Stream, entry.Value.Count))]));
        }

        public Task IntroduceRun(RunIntroduction run)
        {
            Assert.True(Introduced.Add(run.RunId), "introduced twice on one connection");
            return Task.CompletedTask;
        }

        public Task<long> Commit(TelemetryBundle bundle)
        {
            var stream = streams.TryGetValue((bundle.Run, bundle.Incarnation, bundle.Stream), out var known)
                ? known : streams[(bundle.Run, bundle.Incarnation, bundle.Stream)] = [];
            Assert.Equal(stream.Count + 1, bundle.FirstSequence); // no gap, nothing again
            Assert.InRange(bundle.Records.Length, 1, 500);
            stream.AddRange(bundle.Records.Select(bytes => ((LogLine)JsonSerializer.Deserialize(bytes, McnJson.Default.TelemetryRecord)!).Text));
            return Task.FromResult((long)stream.Count);
        }

        async Task<long> ITrainerHub.Store(TelemetryBundle bundle)
        {
            Bundles++;
            Assert.True(Introduced.Contains(bundle.Run), "sent before it was introduced");
            var cut = CutEvery > 0 && Bundles % CutEvery == 0;
            if (cut && Bundles % 2 == 0) throw new IOException("cut before the commit");
            var committed = await Commit(bundle);
            return cut ? throw new IOException("cut after the commit") : committed;
        }

        public Task Beat(Heartbeat heartbeat) => Task.CompletedTask;
    }
}
