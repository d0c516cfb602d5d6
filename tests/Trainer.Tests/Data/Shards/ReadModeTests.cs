using Mcn.Web.Shared;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.Trainer.Data;
using Mcn.Web.Trainer.Data.Shards;
using Mcn.Web.Trainer.Import;

namespace Mcn.Web.Trainer.Tests.Data.Shards;

/// <summary>Reading whole shards and reading single clips: what comes out, what is read for it, and what happens when a shard is damaged.</summary>
public sealed class ReadModeTests : IDisposable
{
    const int Videos = 23;
    const int StepsPerEpoch = 11; // of 2 videos

    /// <summary>About four shards of three or four videos: two in a window.</summary>
    const long SmallWindow = 280_000;

    readonly CancellationToken cancellation = TestContext.Current.CancellationToken;
    readonly SmallSet set = new(Videos);
    readonly PackedSet packs;

    public ReadModeTests() => packs = new PackedSet(set.Config);

    [Theory]
    [InlineData(PackEncoding.Fp16, ReadModes.Random)]
    [InlineData(PackEncoding.Fp16, ReadModes.Sequential)]
    [InlineData(PackEncoding.Pooled, ReadModes.Sequential)]
    public void Whatever_the_types_and_lengths_of_the_files_the_batches_are_those_of_the_original_layout(PackEncoding encoding, string mode)
    {
        set.WriteFeatures(3, "2d", SmallSet.Array(ArrayType.Float32, [SmallSet.Seconds, 5], i => (i % 7) / 3.0)); // no half holds a third
        set.WriteFeatures(4, "3d", SmallSet.Array(ArrayType.Float16, [4, 4], i => -i)); // clips without rows
        set.WriteSpectrogram(5, SmallSet.Array(ArrayType.Float64, [3, 700], i => -(i % 80) / 3.0)); // clips without sound
        var original = PackedSet.Batches(set.Config, 1, 0, 0, 25);
        var packed = Pack(encoding, mode, 1 << 26);
        Assert.Equal(original, PackedSet.Batches(packed, 2, 0, 0, 25));
        Assert.Equal(TrainingData.Open(set.Config).Fingerprint, TrainingData.Open(packed).Fingerprint);
    }

    [Theory]
    [InlineData(PackEncoding.U8, 1)]
    [InlineData(PackEncoding.PooledU8, 2)]
    public void In_windows_batches_are_the_same_for_any_number_of_readers_and_from_any_step(PackEncoding encoding, int echo)
    {
        var config = Pack(encoding, ReadModes.Sequential, SmallWindow, echo);
        var steps = Videos * echo / 2;
        var all = PackedSet.Batches(config, 1, 0, 0, 2 * steps);
        Assert.Equal(2 * steps, all.Distinct().Count());
        Assert.Equal(all, PackedSet.Batches(config, 4, 0, 0, all.Count));
        Assert.Equal(all, PackedSet.Batches(config, 32, 0, 0, all.Count));
        for (var step = 1; step < all.Count; step++) Assert.Equal(all[step..], PackedSet.Batches(config, 2, step / steps, step % steps, all.Count - step));
    }

    [Fact]
    public void In_windows_every_video_comes_once_an_epoch_in_another_order_and_the_run_is_another_one()
    {
        var data = TrainingData.Open(Pack(PackEncoding.Fp16, ReadModes.Sequential, SmallWindow));
        Assert.False(data.Windows!.IsResident);
        Assert.Equal((ReadModes.Sequential, data.Windows.Togetherness), (data.Reading!.Mode, data.Reading.Togetherness));
        Assert.True(data.Reading.Togetherness > 1);
        var orders = new[] { Visits(data, 0), Visits(data, 1) };
        Assert.All(orders, order => Assert.Equal(2 * StepsPerEpoch, order.Distinct().Count()));
        Assert.NotEqual(orders[0], orders[1]);
        Assert.NotEqual(TrainingData.Open(set.Config).Fingerprint, data.Fingerprint);
    }

    [Fact]
    public void In_windows_the_disk_is_read_once_an_epoch_in_one_stream_and_by_no_reader()
    {
        var config = Pack(PackEncoding.Fp16, ReadModes.Sequential, SmallWindow);
        config = config with { Data = config.Data with { NumThreadReader = 8 }, Optimizer = config.Optimizer with { Epochs = 1 } };
        var data = TrainingData.Open(config);
        Visits(data, 0);
        Assert.Equal(0, data.Counters.Reads.Bytes);
        // The last videos of an epoch fill no batch: their window may not be wanted.
        Assert.InRange(data.Counters.Stream.Bytes, BytesOf(config) - (SmallWindow / 2), BytesOf(config));
    }

    [Fact]
    public void With_echo_a_video_is_read_once_and_visited_so_often_with_clips_of_its_own()
    {
        var config = Pack(PackEncoding.Fp16, ReadModes.Sequential, SmallWindow, echo: 3);
        config = config with { Optimizer = config.Optimizer with { Epochs = 1 } };
        var data = TrainingData.Open(config);
        Assert.Equal(34, data.Plan.StepsPerEpoch); // 69 visits
        var drawn = new Dictionary<int, List<string>>();
        using (var prefetcher = data.CreatePrefetcher(0, 0))
        {
            for (var step = 0; step < data.Plan.StepsPerEpoch; step++)
            {
                var batch = prefetcher.Next(cancellation);
                for (var slot = 0; slot < 2; slot++)
                {
                    if (!drawn.TryGetValue(batch.Videos[slot], out var visits)) drawn.Add(batch.Videos[slot], visits = []);
                    visits.Add(string.Join(',', batch.RowsOf(batch.CaptionIndices, slot).ToArray()));
                }

                prefetcher.Return(batch);
            }
        }

        Assert.Equal(68, drawn.Values.Sum(visits => visits.Count));
        Assert.InRange(drawn.Values.Count(visits => visits.Distinct().Count() == 3), Videos / 2, Videos); // 3 of 10 captions: seldom the same
        Assert.InRange(data.Counters.Stream.Bytes, 1, BytesOf(config));
    }

    [Fact]
    public void Single_clips_cost_the_bytes_of_their_rows_and_nothing_else()
    {
        var config = Pack(PackEncoding.Fp16, ReadModes.Random);
        config = config with { Data = config.Data with { VerifyChecksums = false, NumThreadReader = 1, NPair = 1 } };
        config = config with { Data = config.Data with { ReadAheadBytes = BatchShape.Of(config).Bytes } };
        var data = TrainingData.Open(config);
        var expected = 0L;
        using (var prefetcher = data.CreatePrefetcher(0, 0))
        {
            var batch = prefetcher.Next(cancellation);
            Assert.Equal(1, prefetcher.Capacity);
            for (var slot = 0; slot < 2; slot++)
            {
                var clip = ClipSampler.Grow(data.Captions.StartsOf(batch.Videos[slot]), data.Captions.EndsOf(batch.Videos[slot]), batch.CaptionIndices[slot], 3, []);
                expected += ClipSampler.FeatureRows(clip, 1, SmallSet.Seconds).Count * 5 * 2;
                expected += ClipSampler.FeatureRows(clip, 1.5, SmallSet.Seconds * 3 / 2).Count * 4 * 2;
                expected += batch.FrameCounts[slot] * 3 * 2;
            }
        }

        // The second batch may be on its way: at most as much again, and far from the 12 KB of one record.
        Assert.InRange(data.Counters.Reads.Bytes, expected, 3 * expected);
        Assert.InRange(3 * expected, 1, 2 * 12_000);
    }

    [Theory]
    [InlineData(ReadModes.Random)]
    [InlineData(ReadModes.Sequential)]
    public void A_changed_byte_is_found_when_the_record_is_first_read_and_the_video_is_skipped(string mode)
    {
        var config = Pack(PackEncoding.Fp16, mode, 1 << 26);
        config = config with { Data = config.Data with { BadRecordBudget = 0.1 } };
        ChangeByte(config, video: 7, ShardArray.Spectrogram);
        var data = TrainingData.Open(config);
        Assert.DoesNotContain(7, Visits(data, 0).Concat(Visits(data, 1)));
        var bad = Assert.Single(data.BadRecords.TakeNew());
        Assert.Contains(".mel.npy has checksum", bad.Reason, StringComparison.Ordinal);
        var unchecked_ = config with { Data = config.Data with { VerifyChecksums = false, BadRecordBudget = 0 } };
        Assert.Contains(7, Visits(TrainingData.Open(unchecked_), 0).Concat(Visits(TrainingData.Open(unchecked_), 1)));
    }

    [Theory]
    [InlineData(ReadModes.Random)]
    [InlineData(ReadModes.Sequential)]
    public void A_shard_that_is_cut_off_is_an_error_message_before_and_while_it_is_read(string mode)
    {
        var config = Pack(PackEncoding.Fp16, mode, SmallWindow);
        var data = TrainingData.Open(config);
        foreach (var shard in Directory.GetFiles(config.Data.Shards, "*.tar"))
        {
            using var file = new FileStream(shard, FileMode.Open, FileAccess.ReadWrite);
            file.SetLength(700);
        }

        using var prefetcher = data.CreatePrefetcher(0, 0);
        Assert.Contains("the shard ended here", Assert.Throws<UserError>(() => prefetcher.Next(cancellation)).Message, StringComparison.Ordinal);
        Assert.Contains("700 bytes", Assert.Throws<UserError>(() => TrainingData.Open(config)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void One_shard_that_is_cut_off_costs_the_records_behind_the_cut_and_they_are_counted()
    {
        var config = Pack(PackEncoding.Fp16, ReadModes.Sequential, SmallWindow);
        config = config with { Data = config.Data with { BadRecordBudget = 0.5 } };
        TrainingData[] opened = [TrainingData.Open(config), TrainingData.Open(config with { Data = config.Data with { NumThreadReader = 4 } })];
        int[] lost;
        using (var store = ShardStore.Open(config))
        {
            var record = store.Map(opened[0].Videos);
            int[] ofShard = [.. Enumerable.Range(0, Videos).Where(video => store.ShardOf(record[video]) == 1).OrderBy(video => store.Part(record[video], ShardArray.Features2d).Offset)];
            using var file = new FileStream(store.PathOf(record[ofShard[0]]), FileMode.Open, FileAccess.ReadWrite);
            file.SetLength(store.Part(record[ofShard[1]], ShardArray.Spectrogram).Offset + 500); // within the second record
            lost = ofShard[1..];
        }

        var visits = opened.Select(data => Visits(data, 0).Concat(Visits(data, 1)).ToList()).ToList();
        Assert.Equal(visits[0], visits[1]);
        Assert.DoesNotContain(visits[0], video => lost.Contains(video));
        foreach (var data in opened)
        {
            Assert.Equal(lost.Order(), data.BadRecords.TakeNew().Select(bad => bad.Video).Order());
            Assert.Equal(lost.Length, data.BadRecords.Count);
        }
    }

    [Fact]
    public void A_window_that_holds_no_two_shards_is_refused()
    {
        var error = Assert.Throws<UserError>(() => TrainingData.Open(Pack(PackEncoding.Fp16, ReadModes.Sequential, 1000)));
        Assert.Contains("data.shuffle_window_bytes: 1000 bytes", error.Message, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Usage, error.ExitCode);
    }

    [Fact]
    public void Readers_that_wait_for_a_window_let_go_when_the_prefetcher_is_disposed()
    {
        var data = TrainingData.Open(Pack(PackEncoding.Fp16, ReadModes.Sequential, SmallWindow));
        var began = System.Diagnostics.Stopwatch.GetTimestamp();
        for (var i = 0; i < 20; i++) data.CreatePrefetcher(0, i % StepsPerEpoch).Dispose();
        Assert.True(System.Diagnostics.Stopwatch.GetElapsedTime(began) < TimeSpan.FromSeconds(9), "a join timed out");
    }

    [Fact]
    public void Auto_is_what_the_kernel_says_of_the_disk_and_it_says_why()
    {
        var config = Pack(PackEncoding.Fp16, ReadModes.Auto);
        var (mode, because) = ReadModes.Of(config.Data);
        Assert.Contains(mode, new[] { ReadModes.Random, ReadModes.Sequential });
        Assert.NotEmpty(because);
        Assert.Equal((ReadModes.Random, "data.read_mode says so"), ReadModes.Of(config.Data with { ReadMode = ReadModes.Random }, ReadModes.Sequential));
        foreach (var began in new[] { ReadModes.Random, ReadModes.Sequential }) Assert.Equal(began, TrainingData.Open(config, began).Reading!.Mode);
    }

    [Fact]
    public void A_pack_of_the_older_format_is_refused_with_what_to_do()
    {
        var config = Pack(PackEncoding.Fp16, ReadModes.Random);
        var manifest = Path.Combine(config.Data.Shards, "manifest.json");
        File.WriteAllText(manifest, File.ReadAllText(manifest).Replace("\"format_version\": 2", "\"format_version\": 1", StringComparison.Ordinal));
        var error = Assert.Throws<UserError>(() => TrainingData.Open(config));
        Assert.Contains("format version 1; expected 2", error.Message, StringComparison.Ordinal);
        Assert.Contains("data pack", error.Message, StringComparison.Ordinal);
    }

    public void Dispose()
    {
        packs.Dispose();
        set.Dispose();
    }

    RunConfig Pack(PackEncoding encoding, string mode, long window = 1 << 26, int echo = 1)
    {
        var config = packs.Pack(encoding);
        return config with { Data = config.Data with { ReadMode = mode, ShuffleWindowBytes = window, Echo = echo } };
    }

    List<int> Visits(TrainingData data, int epoch)
    {
        var videos = new List<int>();
        using var prefetcher = data.CreatePrefetcher(epoch, 0);
        for (var step = 0; step < data.Plan.StepsPerEpoch; step++)
        {
            var batch = prefetcher.Next(cancellation);
            videos.AddRange(batch.Videos);
            prefetcher.Return(batch);
        }

        return videos;
    }

    static void ChangeByte(RunConfig config, int video, ShardArray array)
    {
        using var store = ShardStore.Open(config);
        var record = store.Map(VideoList.Read(store.VideosCsv))[video];
        var part = store.Part(record, array);
        using var file = new FileStream(store.PathOf(record), FileMode.Open, FileAccess.ReadWrite);
        file.Position = part.Offset + part.HeaderBytes + 1001;
        var old = file.ReadByte();
        file.Position--;
        file.WriteByte((byte)(old ^ 1));
    }

    static long BytesOf(RunConfig config) => new DirectoryInfo(config.Data.Shards).EnumerateFiles("*.tar").Sum(file => file.Length);
}
