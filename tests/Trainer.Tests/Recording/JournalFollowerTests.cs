using System.Text.Json;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Telemetry;
using Mcn.Web.TestKit;
using Mcn.Web.Trainer.Recording;

namespace Mcn.Web.Trainer.Tests.Recording;

public sealed class JournalFollowerTests
{
    const int NoLimit = int.MaxValue;

    [Fact]
    public void It_follows_a_growing_file_and_waits_at_a_torn_tail()
    {
        using var temp = new TempFolder();
        var whole = temp.File("whole.journal");
        using (var writer = new JournalWriter(whole))
            for (var i = 1; i <= 20; i++) writer.Append(Record(i));
        var bytes = File.ReadAllBytes(whole);
        var path = temp.File("growing.journal");
        var follower = new JournalFollower(path);
        Assert.Empty(follower.Read(NoLimit, NoLimit)); // not there yet

        var seen = new List<string>();
        using (var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0))
        {
            for (var at = 0; at < bytes.Length; at += 7) // every boundary of header and frames is cut somewhere
            {
                file.Write(bytes, at, Math.Min(7, bytes.Length - at));
                seen.AddRange(follower.Read(NoLimit, NoLimit).Select(Text));
            }
        }

        Assert.Equal(Enumerable.Range(1, 20).Select(i => $"line {i}"), seen);
        Assert.Equal((20, 0), (follower.Sequence, follower.BytesLeft));
    }

    [Fact]
    public void It_goes_to_any_place_and_back_and_keeps_the_bounds()
    {
        using var temp = new TempFolder();
        var path = temp.File("a.journal");
        using (var writer = new JournalWriter(path))
            for (var i = 1; i <= 100; i++) writer.Append(Record(i));
        var follower = new JournalFollower(path);

        Assert.True(follower.SeekBehind(97));
        Assert.Equal(["line 98", "line 99"], follower.Read(2, NoLimit).Select(Text));
        Assert.True(follower.SeekBehind(10));
        Assert.Equal("line 11", Text(Assert.Single(follower.Read(NoLimit, 1)))); // one at least, whatever its size
        Assert.False(follower.SeekBehind(101));
    }

    [Fact]
    public void Each_opening_begins_the_next_incarnation_of_the_stream()
    {
        using var temp = new TempFolder();
        using var journal = SupervisorJournal.Open(temp.Path, "run", TimeProvider.System);
        Assert.True(journal.Write(Record(1)));
        Assert.True(journal.Write(Record(2)));
        using var next = SupervisorJournal.Open(temp.Path, "run", TimeProvider.System);
        next.Write(Record(3));

        var ids = Directory.GetFiles(temp.Path).Order(StringComparer.Ordinal).SelectMany(JournalReader.Read).Select(record => record.Id!).ToList();
        Assert.Equal([(1, 1L), (1, 2L), (2, 1L)], ids.Select(id => (id.Incarnation, id.Sequence)));
    }

    static LogLine Record(int i) => new() { Source = "worker", Level = "information", Text = $"line {i}" };

    static string Text(byte[] payload) => ((LogLine)JsonSerializer.Deserialize(payload, McnJson.Default.TelemetryRecord)!).Text;
}
