using System.IO.Hashing;
using System.Runtime.InteropServices;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.Trainer.Data;
using Mcn.Web.Trainer.Import;

namespace Mcn.Web.Trainer.Tests.Data;

public sealed class TrainingDataTests
{
    readonly CancellationToken cancellation = TestContext.Current.CancellationToken;

    [Fact]
    public void Batches_are_the_same_for_any_number_of_readers_and_from_any_start()
    {
        using var set = new SmallSet(11);
        var all = Hashes(set.Config, readers: 1, epoch: 0, step: 0, count: 15);
        Assert.Equal(15, all.Distinct().Count());
        Assert.Equal(all, Hashes(set.Config, 2, 0, 0, 15));
        Assert.Equal(all, Hashes(set.Config, 7, 0, 0, 15));
        Assert.Equal(all[7..], Hashes(set.Config, 3, 1, 2, 8)); // 5 steps an epoch: the 8th batch is epoch 1, step 2
        Assert.NotEqual(all, Hashes(set.Config with { Seed = 2 }, 1, 0, 0, 15));
    }

    [Fact]
    public void Digits_batches_are_the_same_for_any_number_of_readers()
    {
        var config = TestRun.Digits();
        var all = Hashes(config, 1, 0, 35, 6);
        Assert.Equal(all, Hashes(config, 2, 0, 35, 6));
        Assert.Equal(all[2..], Hashes(config, 7, 1, 0, 4));
    }

    [Fact]
    public void A_torn_file_reaches_the_consumer_after_the_batches_before_it()
    {
        using var set = new SmallSet(8);
        var data = TrainingData.Open(set.Config);
        var third = new int[2];
        data.Plan.VideosOf(0, 2, third);
        File.WriteAllBytes(set.PathOf($"features/a/v{third[1]}/v{third[1]}_3d.npz"), [0x50, 0x4B]);
        using var prefetcher = data.CreatePrefetcher(0, 0);
        prefetcher.Return(prefetcher.Next(cancellation));
        prefetcher.Return(prefetcher.Next(cancellation));
        Assert.Contains($"v{third[1]}_3d.npz", Assert.Throws<UserError>(() => prefetcher.Next(cancellation)).Message, StringComparison.Ordinal);
    }

    /// <summary>A run that began before must find the same: the definition, followed here value by value, over more videos than are gathered at once.</summary>
    [Fact]
    public void The_fingerprint_is_what_its_definition_gives()
    {
        const int Videos = 1000;
        using var set = new SmallSet(1);
        File.WriteAllText(set.PathOf("videos.csv"), "path\n" + string.Concat(Enumerable.Range(0, Videos).Select(video => $"a/v{video}\n")));
        for (var video = Videos - 1; video >= 0; video--)
        {
            var count = 1 + (video % 5);
            set.Captions[$"v{video}"] = SmallSet.Caption(SmallSet.Starts()[..count], SmallSet.Ends()[..count], Enumerable.Range(0, count).Select(object? (i) => $"word{i} no word{video % 12}").ToList());
        }

        set.WriteCaptions();
        var data = TrainingData.Open(set.Config);
        var (hash, vocabulary) = (new XxHash128(), data.Vocabulary);
        hash.Append(MemoryMarshal.AsBytes<long>([Videos, data.Shape.VideoWidth, data.Shape.MelBands, data.Shape.Words, vocabulary.Dimension]));
        hash.Append(MemoryMarshal.AsBytes(data.Videos.Offsets));
        hash.Append(data.Videos.AllPaths);
        for (var video = 0; video < Videos; video++)
        {
            hash.Append(MemoryMarshal.AsBytes(data.Captions.StartsOf(video)));
            hash.Append(MemoryMarshal.AsBytes(data.Captions.EndsOf(video)));
            for (var caption = 0; caption < data.Captions.CountOf(video); caption++)
            {
                var ids = data.Captions.TokensOf(video, caption);
                Assert.Equal(2, ids.Length);
                hash.Append(BitConverter.GetBytes((long)ids.Length));
                foreach (var id in ids)
                {
                    var vector = MemoryMarshal.AsBytes(vocabulary.Vectors.AsSpan(id * vocabulary.Dimension, vocabulary.Dimension));
                    hash.Append(BitConverter.GetBytes(XxHash3.HashToUInt64(vector, (long)XxHash3.HashToUInt64(System.Text.Encoding.UTF8.GetBytes(vocabulary.WordOf(id))))));
                }
            }
        }

        Assert.Equal(Convert.ToHexStringLower(hash.GetCurrentHash()), data.Fingerprint);
    }

    [Fact]
    public void The_fingerprint_knows_list_captions_vectors_and_sizes_but_not_evaluation_words()
    {
        using var set = new SmallSet(4);
        var first = TrainingData.Open(set.Config).Fingerprint;
        Assert.Equal(32, first.Length);
        Assert.Equal(first, TrainingData.Open(set.Config with { Seed = 9 }).Fingerprint);
        Assert.NotEqual(first, TrainingData.Open(set.Config with { Data = set.Config.Data with { MaxWords = 3 } }).Fingerprint);

        PickleWriter.Write(set.PathOf("eval.pkl"), new List<object?> { RetrievalSetTests.Item("word11 word0", 5, 4, 3) });
        var evaluated = set.Config with { Evaluation = set.Config.Evaluation with { EvalFiles = [set.PathOf("eval.pkl")] } };
        var data = TrainingData.Open(evaluated);
        Assert.NotEqual(0, data.Vocabulary.IdOf("word11"));
        Assert.Equal(first, data.Fingerprint);

        set.Captions["v3"] = SmallSet.Caption(SmallSet.Starts(), SmallSet.Ends(), Enumerable.Repeat<object?>("word5", 10).ToList());
        set.WriteCaptions();
        var second = TrainingData.Open(set.Config).Fingerprint;
        Assert.NotEqual(first, second);
        File.AppendAllText(set.PathOf("videos.csv"), "a/v3\n");
        Assert.NotEqual(second, TrainingData.Open(set.Config).Fingerprint);
    }

    [Fact]
    public void A_bound_below_one_batch_is_refused_with_both_numbers()
    {
        using var set = new SmallSet(2);
        var data = TrainingData.Open(set.Config with { Data = set.Config.Data with { ReadAheadBytes = 1000 } });
        var message = Assert.Throws<UserError>(() => data.CreatePrefetcher(0, 0)).Message;
        Assert.Contains("data.read_ahead_bytes: 1000 bytes", message, StringComparison.Ordinal);
        Assert.Contains($"{data.Shape.Bytes} bytes", message, StringComparison.Ordinal);
    }

    List<string> Hashes(RunConfig config, int readers, int epoch, int step, int count)
    {
        var data = TrainingData.Open(config with { Data = config.Data with { NumThreadReader = readers, ReadAheadBytes = 3 * BatchShape.Of(config).Bytes } });
        using var prefetcher = data.CreatePrefetcher(epoch, step);
        var hashes = new List<string>();
        while (hashes.Count < count)
        {
            var batch = prefetcher.Next(cancellation);
            var hash = new XxHash128();
            hash.Append(MemoryMarshal.AsBytes(batch.Video.AsSpan()));
            hash.Append(MemoryMarshal.AsBytes(batch.Audio.AsSpan()));
            hash.Append(MemoryMarshal.AsBytes(batch.FrameCounts.AsSpan()));
            hash.Append(MemoryMarshal.AsBytes(batch.Tokens.AsSpan()));
            hash.Append(MemoryMarshal.AsBytes(batch.Videos.AsSpan()));
            hash.Append(MemoryMarshal.AsBytes(batch.CaptionIndices.AsSpan()));
            hashes.Add($"{batch.Epoch}.{batch.StepInEpoch}.{Convert.ToHexString(hash.GetCurrentHash())}");
            prefetcher.Return(batch);
        }

        return hashes;
    }
}
