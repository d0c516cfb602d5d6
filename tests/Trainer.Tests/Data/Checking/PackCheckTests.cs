using System.Runtime.InteropServices;
using System.Text.Json;
using Mcn.Web.Shared;
using Mcn.Web.TestKit;
using Mcn.Web.Trainer.Data.Checking;
using Mcn.Web.Trainer.Data.Shards;
using Mcn.Web.Trainer.Import;
using Mcn.Web.Trainer.Tests.Data.Shards;

namespace Mcn.Web.Trainer.Tests.Data.Checking;

/// <summary>Faults planted in packs; each check finds its fault and nothing else.</summary>
public sealed class PackCheckTests : IDisposable
{
    const int Videos = 11;

    readonly TempFolder state = new();
    readonly SmallSet set = new(Videos);
    readonly PackedSet packs;

    public PackCheckTests() => packs = new PackedSet(set.Config);

    [Theory]
    [InlineData(PackEncoding.Fp16)]
    [InlineData(PackEncoding.PooledU8)]
    public void A_sound_pack_has_nothing_wrong(PackEncoding encoding)
    {
        var report = Check(Pack(encoding));
        Assert.Empty(report.Findings);
        Assert.Equal(Videos, report.Videos);
        Assert.True(report.Bytes > 10_000);
        Assert.Empty(Directory.GetFiles(state.Path));
    }

    [Fact]
    public void A_flipped_bit_is_found_in_its_member()
    {
        var pack = Pack();
        var (tar, index) = Shard(pack, 1);
        var record = index.Records[0];
        Overwrite(tar, record.Members[2].Offset + 500, 0xFF);
        Assert.Equal([(FindingKind.Unreadable, RowOf(pack, record))], Found(pack));
    }

    [Fact]
    public void A_shard_that_ends_early_is_found_with_every_record_behind_its_end()
    {
        var pack = Pack();
        var (tar, index) = Shard(pack, 0);
        using (var file = new FileStream(tar, FileMode.Open, FileAccess.ReadWrite)) file.SetLength(index.Records[1].Members[0].Offset + 10);
        var rows = Found(pack).Select(finding => finding.Row).Distinct();
        Assert.Equal(index.Records[1..].Select(record => RowOf(pack, record)).Append(null).Order(), rows.Order());
    }

    [Fact]
    public void A_missing_shard_is_found_as_each_of_its_records()
    {
        var pack = Pack();
        var (tar, index) = Shard(pack, 2);
        File.Delete(tar);
        Assert.Equal(index.Records.Select(record => (FindingKind.Missing, RowOf(pack, record))).Order(), Found(pack).Order());
    }

    [Fact]
    public void A_changed_index_is_found_and_its_records_are_missing()
    {
        var pack = Pack();
        var (tar, index) = Shard(pack, 0);
        File.AppendAllText(ShardFormat.IndexOf(tar), " ");
        Assert.Equal(index.Records.Select(record => (FindingKind.Missing, RowOf(pack, record))).Append((FindingKind.Unreadable, null)).Order(), Found(pack).Order());
    }

    [Fact]
    public void A_line_of_the_index_that_the_tar_contradicts_is_found()
    {
        var pack = Pack();
        var (_, index) = Shard(pack, 0);
        var record = index.Records[1];
        Rewrite(pack, 0, member => member.Name == record.Members[0].Name ? member with { Offset = member.Offset + 512 } : member);
        Assert.Contains((FindingKind.Unreadable, RowOf(pack, record)), Found(pack));
        Assert.All(Found(pack), finding => Assert.Equal(RowOf(pack, record), finding.Row));
    }

    [Fact]
    public void A_number_that_is_none_is_found_though_its_checksum_is_right()
    {
        var pack = Pack();
        var (tar, index) = Shard(pack, 0);
        var (record, mel) = (index.Records[0], index.Records[0].Members.Single(member => member.Name.EndsWith(ShardFormat.Spectrogram, StringComparison.Ordinal)));
        Overwrite(tar, mel.Offset + mel.Length - 2, MemoryMarshal.AsBytes<Half>([Half.NaN]).ToArray());
        var bytes = File.ReadAllBytes(tar).AsSpan((int)mel.Offset, (int)mel.Length).ToArray();
        Rewrite(pack, 0, member => member.Name == mel.Name ? member with { Xxh3 = ShardCheck.HashOf(bytes) } : member);
        Assert.Equal([(FindingKind.NotFinite, RowOf(pack, record))], Found(pack));
    }

    [Fact]
    public void A_caption_that_ends_before_it_starts_and_a_row_without_a_record_are_found()
    {
        var pack = Pack();
        set.Captions["v4"] = SmallSet.Caption(SmallSet.Starts(), SmallSet.Ends().Select(end => (object?)((double)end! - 5)).ToList(), SmallSet.Starts().Select(object? (_) => "word1").ToList());
        PickleWriter.Write(Path.Combine(pack, "caption.pickle"), set.Captions);
        File.AppendAllText(Path.Combine(pack, "videos.csv"), "a/v99\n");
        var found = Found(pack);
        Assert.Contains((FindingKind.EndBeforeStart, 5), found);
        Assert.Contains((FindingKind.Missing, Videos + 1), found);
        Assert.All(found, finding => Assert.Contains(finding.Row, new int?[] { 5, Videos + 1 }));
    }

    [Fact]
    public void An_interrupted_check_goes_on_with_the_next_shard_and_finds_the_same()
    {
        var pack = Pack();
        var (tar, index) = Shard(pack, 0);
        Overwrite(tar, index.Records[0].Members[0].Offset + 300, 0xFF);
        var whole = Check(pack).ToJson()["findings"]!.ToJsonString();
        using var stop = new CancellationTokenSource();
        Assert.Throws<OperationCanceledException>(() => PackCheck.Run(pack, "x", state.Path, _ => stop.Cancel(), stop.Token));
        Assert.Single(Directory.GetFiles(state.Path));
        var report = Check(pack);
        Assert.Equal(index.Records.Length, report.ResumedVideos);
        Assert.Equal(whole, report.ToJson()["findings"]!.ToJsonString());
        Assert.Empty(Directory.GetFiles(state.Path));
    }

    [Fact]
    public void A_folder_that_is_no_finished_pack_is_refused_with_what_to_do()
    {
        Assert.Contains("expected a finished pack", Assert.Throws<UserError>(() => Check(state.Path)).Message, StringComparison.Ordinal);
    }

    public void Dispose()
    {
        packs.Dispose();
        set.Dispose();
        state.Dispose();
    }

    string Pack(PackEncoding encoding = PackEncoding.Fp16) => packs.Pack(encoding).Data.Shards;

    CheckReport Check(string pack) => PackCheck.Run(pack, "x", state.Path, _ => { }, TestContext.Current.CancellationToken);

    List<(string Kind, int? Row)> Found(string pack) => [.. Check(pack).Findings.Select(finding => (finding.Kind, finding.Row)).Distinct()];

    static (string Tar, ShardIndex Index) Shard(string pack, int number)
    {
        var tar = Path.Combine(pack, ShardFormat.TarOf(number));
        return (tar, JsonSerializer.Deserialize(File.ReadAllBytes(ShardFormat.IndexOf(tar)), ShardJson.Default.ShardIndex)!);
    }

    static int? RowOf(string pack, ShardRecord record) => Array.IndexOf(File.ReadAllLines(Path.Combine(pack, "videos.csv")), record.Path);

    static void Overwrite(string file, long at, params byte[] bytes)
    {
        using var stream = new FileStream(file, FileMode.Open, FileAccess.ReadWrite);
        stream.Position = at;
        stream.Write(bytes);
    }

    /// <summary>Changes members of an index, and the manifest with it, so that only the tar disagrees.</summary>
    static void Rewrite(string pack, int number, Func<ShardMember, ShardMember> change)
    {
        var (tar, index) = Shard(pack, number);
        index = index with { Records = [.. index.Records.Select(record => record with { Members = [.. record.Members.Select(change)] })] };
        DurableJson.Write(ShardFormat.IndexOf(tar), index, ShardJson.Default.ShardIndex);
        var manifest = ShardStore.ReadManifest(pack);
        manifest.Shards[number] = manifest.Shards[number] with { IndexXxh3 = ShardCheck.HashOf(File.ReadAllBytes(ShardFormat.IndexOf(tar))) };
        DurableJson.Write(Path.Combine(pack, ShardFormat.Manifest), manifest, ShardJson.Default.PackManifest);
    }
}
