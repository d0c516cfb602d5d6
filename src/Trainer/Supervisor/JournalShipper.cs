using Mcn.Web.Shared;
using Mcn.Web.Shared.Link;
using Mcn.Web.Trainer.Recording;
using Microsoft.AspNetCore.SignalR;
using Serilog;

namespace Mcn.Web.Trainer.Supervisor;

/// <summary>
/// Sends what lies in the journals to a dashboard, from where its store stands. Nothing is remembered here: the cursors come with each
/// connection's welcome and move only with what the store says it has committed. It reads files, so training does not notice it.
/// One bundle is under way at a time, round by round over the streams, so that an old backlog does not starve the present.
/// </summary>
public sealed class JournalShipper(TrainerFolder trainer, ILogger log, TimeProvider time)
{
    const int MostRecords = 500;
    const int MostBytes = 1 << 20;
    const long TypicalRecordBytes = 400;
    static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(50);
    static readonly TimeSpan DiscoverEvery = TimeSpan.FromSeconds(1);
    static readonly TimeSpan ActiveFor = TimeSpan.FromMinutes(5);
    static readonly TimeSpan RefusedFor = TimeSpan.FromSeconds(30);

    long unsentBytes;

    /// <summary>About how many records the store lacks (from their bytes; counting them would mean reading them).</summary>
    public long Unsent => (Interlocked.Read(ref unsentBytes) + TypicalRecordBytes - 1) / TypicalRecordBytes;

    /// <summary>Times that a stream was put aside for a while: refused by the store, or not readable.</summary>
    public long Refused { get; private set; }

    /// <summary>Ships until cancelled or until the connection fails: then it throws, and the next connection begins with new cursors.</summary>
    public async Task ShipAsync(ITrainerHub hub, Welcome welcome, CancellationToken cancel)
    {
        var cursors = welcome.Cursors.ToDictionary(cursor => (cursor.Run, cursor.Incarnation, cursor.Stream), cursor => cursor.Sequence);
        var streams = new Dictionary<string, StreamState>(StringComparer.Ordinal);
        var introduced = new HashSet<string>(StringComparer.Ordinal);
        var discovered = DateTimeOffset.MinValue;
        while (!cancel.IsCancellationRequested)
        {
            if (time.GetUtcNow() - discovered >= DiscoverEvery)
            {
                Discover(streams, cursors);
                discovered = time.GetUtcNow();
            }

            var sent = false;
            foreach (var stream in streams.Values.Where(stream => stream.IsActive))
                sent |= await ShipOneAsync(hub, stream, introduced, cancel).ConfigureAwait(false);
            Interlocked.Exchange(ref unsentBytes, streams.Values.Sum(stream => stream.Follower.BytesLeft));
            if (!sent) await Task.Delay(LookEvery, time, cancel).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    async Task<bool> ShipOneAsync(ITrainerHub hub, StreamState stream, HashSet<string> introduced, CancellationToken cancel)
    {
        if (time.GetUtcNow() < stream.RefusedUntil || ReadNext(stream) is not { } bundle) return false;
        try
        {
            if (!introduced.Contains(stream.Run))
            {
                if (Introduction(stream) is not { } introduction) return false;
                await hub.IntroduceRun(introduction).ConfigureAwait(false);
                introduced.Add(stream.Run);
            }

            stream.Committed = await hub.Store(bundle).WaitAsync(cancel).ConfigureAwait(false);
            return stream.Committed >= bundle.FirstSequence; // no progress: do not try again at once
        }
        catch (HubException refusal)
        {
            // The connection lives, this stream is refused: the others go on.
            introduced.Remove(stream.Run);
            PutAside(stream, $"the dashboard refuses it: {refusal.Message}");
            return false;
        }
    }

    /// <summary>What follows the store's place; null when there is nothing (yet).</summary>
    TelemetryBundle? ReadNext(StreamState stream)
    {
        try
        {
            var follower = stream.Follower;
            if (!follower.SeekBehind(stream.Committed) || follower.Read(MostRecords, MostBytes) is not { Count: > 0 } records) return null;
            return new TelemetryBundle(stream.Run, stream.Incarnation, stream.Stream, follower.Sequence - records.Count + 1, [.. records]);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            PutAside(stream, error.Message);
            return null;
        }
    }

    RunIntroduction? Introduction(StreamState stream)
    {
        if (stream.Run == trainer.MachineRun()) return new RunIntroduction(stream.Run, "machine", time.GetUtcNow(), "{}", null);
        try
        {
            var folder = new RunFolder(Path.Combine(RunFolder.RunsOf(trainer.Data), stream.Run));
            var identity = RunCatalog.Read(folder);
            var environment = File.Exists(folder.Environment) ? File.ReadAllText(folder.Environment) : null;
            return new RunIntroduction(identity.RunId, identity.Name, identity.Created, File.ReadAllText(folder.Config), environment, identity.Parent);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or UserError)
        {
            PutAside(stream, error.Message);
            return null;
        }
    }

    void PutAside(StreamState stream, string reason)
    {
        if (Refused++ == 0) RunContext.Of(log, stream.Run).Error("Stream {Stream} cannot be sent for now: {Reason}", stream.Stream, reason);
        stream.RefusedUntil = time.GetUtcNow() + RefusedFor;
    }

    /// <summary>Every journal file below the data folder, newest run first. A file that nobody has written for long and that is sent is left alone.</summary>
    void Discover(Dictionary<string, StreamState> streams, Dictionary<(string, int, string), long> cursors)
    {
        try
        {
            var runs = RunFolder.RunsOf(trainer.Data);
            var folders = Directory.Exists(runs) ? Directory.GetDirectories(runs) : [];
            foreach (var folder in folders.OrderDescending(StringComparer.Ordinal).Select(path => new RunFolder(path)))
                if (File.Exists(folder.Identity)) Discover(folder.Journal, folder.RunId, streams, cursors);
            Discover(trainer.Journal, trainer.MachineRun(), streams, cursors);
            foreach (var gone in streams.Keys.Where(path => !File.Exists(path)).ToList()) streams.Remove(gone);
            var recently = time.GetUtcNow().UtcDateTime - ActiveFor;
            foreach (var stream in streams.Values) stream.IsActive = stream.Follower.BytesLeft > 0 || File.GetLastWriteTimeUtc(stream.Follower.Path) > recently;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            log.Warning("The journals cannot be listed: {Reason}", error.Message);
        }
    }

    static void Discover(string folder, string run, Dictionary<string, StreamState> streams, Dictionary<(string, int, string), long> cursors)
    {
        if (!Directory.Exists(folder)) return;
        foreach (var path in Directory.EnumerateFiles(folder, "*.journal").Order(StringComparer.Ordinal).Where(path => !streams.ContainsKey(path)))
        {
            var (incarnation, stream) = (SupervisorJournal.IncarnationOf(path), Path.GetFileName(path).Split('-')[0]);
            streams[path] = new StreamState(run, incarnation, stream, new JournalFollower(path)) { Committed = cursors.GetValueOrDefault((run, incarnation, stream)) };
        }
    }

    sealed record StreamState(string Run, int Incarnation, string Stream, JournalFollower Follower)
    {
        /// <summary>What the store has, as it said itself.</summary>
        public long Committed { get; set; }

        public bool IsActive { get; set; }

        public DateTimeOffset RefusedUntil { get; set; }
    }
}
