using System.Numerics.Tensors;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.Trainer.Data;
using Mcn.Web.Trainer.Data.Shards;
using Mcn.Web.Trainer.Import;

namespace Mcn.Web.Trainer.Tests.Data.Shards;

/// <summary>What a run reads from packs is what it reads from the original's layout.</summary>
public sealed class PackedBatchTests
{
    [Theory]
    [InlineData(PackEncoding.Fp16)]
    [InlineData(PackEncoding.Pooled)]
    public void Exact_packs_give_the_batches_of_the_original_layout_for_any_readers_and_any_start(PackEncoding encoding)
    {
        using var set = new SmallSet(11);
        using var packs = new PackedSet(set.Config);
        var original = PackedSet.Batches(set.Config, 1, 0, 0, 15);
        var packed = packs.Pack(encoding);
        Assert.True(Directory.GetFiles(packed.Data.Shards, "*.tar").Length > 2);
        Assert.Equal(original, PackedSet.Batches(packed, 1, 0, 0, 15));
        Assert.Equal(original, PackedSet.Batches(packed, 8, 0, 0, 15));
        Assert.Equal(original[7..], PackedSet.Batches(packed, 3, 1, 2, 8)); // 5 steps an epoch: a resume at epoch 1, step 2
        Assert.Equal(TrainingData.Open(set.Config).Fingerprint, TrainingData.Open(packed).Fingerprint);
    }

    [Theory]
    [InlineData(PackEncoding.Fp16)]
    [InlineData(PackEncoding.Pooled)]
    public void Exact_packs_of_digits_give_the_batches_of_the_original_layout(PackEncoding encoding)
    {
        var digits = TestRun.Digits();
        using var packs = new PackedSet(digits);
        var original = PackedSet.Batches(digits, 1, 0, 35, 6);
        var request = PackedSet.Request(packs.PathOf("pack"), encoding) with { ShardBytes = 2_000_000 };
        packs.Make(request);
        Assert.Equal(original, PackedSet.Batches(packs.Over(request.Folder), 1, 0, 35, 6));
        Assert.Equal(original, PackedSet.Batches(packs.Over(request.Folder), 8, 0, 35, 6));
    }

    [Theory]
    [InlineData(PackEncoding.U8)]
    [InlineData(PackEncoding.PooledU8)]
    public void Eight_bits_change_values_by_half_a_step_and_nothing_else(PackEncoding encoding)
    {
        using var set = new SmallSet(6);
        using var packs = new PackedSet(set.Config);
        var (original, packed) = (First(set.Config), First(packs.Pack(encoding)));
        Assert.Equal(original.Videos, packed.Videos);
        Assert.Equal(original.CaptionIndices, packed.CaptionIndices);
        Assert.Equal(original.Tokens, packed.Tokens);
        Assert.Equal(original.FrameCounts, packed.FrameCounts);
        Assert.All(original.Video.Zip(packed.Video), pair => Assert.Equal(pair.First, pair.Second, 0.004f));
        Assert.Contains(original.Video.Zip(packed.Video), pair => pair.First != pair.Second);
        Assert.All(original.Audio.Zip(packed.Audio), pair => Assert.Equal((float)pair.First, (float)pair.Second, 80f / 255 / 2 + 0.04f)); // and the rounding to half
        Assert.Contains(original.Audio.Zip(packed.Audio), pair => pair.First != pair.Second);
        for (var clip = 0; clip < packed.Shape.Clips; clip++)
            Assert.Equal(1, TensorPrimitives.Norm<float>(packed.Video.AsSpan(clip * 9, 5)), 1e-4f);
    }

    [Fact]
    public void Padding_stays_what_the_run_asks_for_in_eight_bits()
    {
        using var set = new SmallSet(4);
        using var packs = new PackedSet(set.Config);
        var packed = packs.Pack(PackEncoding.U8);
        var quiet = packed with { Compatibility = packed.Compatibility with { PadWithLoudest = false }, Data = packed.Data with { HowtoAudioFrames = 900 } };
        var batch = First(quiet);
        Assert.True(batch.FrameCounts[0] < 900);
        Assert.Equal((Half)(-80), batch.Audio[batch.FrameCounts[0]]);
        Assert.Equal((Half)0, First(quiet with { Compatibility = packed.Compatibility }).Audio[batch.FrameCounts[0]]);
    }

    [Fact]
    public void A_video_left_out_of_the_pack_is_out_of_its_list_and_the_others_keep_their_order()
    {
        using var set = new SmallSet(7);
        File.WriteAllBytes(set.PathOf("features/a/v3/v3_3d.npz"), [0x50, 0x4B]);
        set.WriteSpectrogram(5, SmallSet.Array(ArrayType.Float16, [3, 2000], i => i == 77 ? double.NaN : -1));
        using var packs = new PackedSet(set.Config);
        var manifest = packs.Make(PackedSet.Request(packs.PathOf("pack")));
        Assert.Equal(["a/v3", "a/v5"], manifest.Skipped.Select(skipped => skipped.Path).Order(StringComparer.Ordinal));
        Assert.Contains("[0, 77]", manifest.Skipped.Single(skipped => skipped.Path == "a/v5").Reason, StringComparison.Ordinal);
        Assert.Equal("path\na/v0\na/v1\na/v2\na/v4\na/v6\n", File.ReadAllText(packs.PathOf("pack/videos.csv")));
        Assert.Equal(2, PackedSet.Batches(packs.Over(packs.PathOf("pack")), 2, 0, 0, 2).Count);
    }

    [Fact]
    public void A_path_listed_twice_is_stored_once_and_read_twice()
    {
        using var set = new SmallSet(3);
        File.AppendAllText(set.PathOf("videos.csv"), "a/v1\n");
        using var packs = new PackedSet(set.Config);
        var packed = packs.Pack(PackEncoding.Fp16);
        Assert.Equal(4, TrainingData.Open(packed).Videos.Count);
        Assert.Equal(PackedSet.Batches(set.Config, 1, 0, 0, 4), PackedSet.Batches(packed, 2, 0, 0, 4));
    }

    [Fact]
    public void A_pooled_pack_refuses_another_min_time_and_says_which_it_has()
    {
        using var set = new SmallSet(3);
        using var packs = new PackedSet(set.Config);
        var pooled = packs.Pack(PackEncoding.Pooled);
        var error = Assert.Throws<UserError>(() => TrainingData.Open(pooled with { Data = pooled.Data with { MinTime = 5 } }));
        Assert.Equal(2, error.ExitCode);
        Assert.Contains("data.min_time: 5", error.Message, StringComparison.Ordinal);
        Assert.Contains("expected 3", error.Message, StringComparison.Ordinal);
        var frames = packs.Pack(PackEncoding.Fp16);
        var other = set.Config with { Data = set.Config.Data with { MinTime = 5 } };
        Assert.Equal(PackedSet.Batches(other, 1, 0, 0, 2), PackedSet.Batches(frames with { Data = frames.Data with { MinTime = 5 } }, 1, 0, 0, 2));
    }

    static Batch First(RunConfig config)
    {
        using var prefetcher = TrainingData.Open(config).CreatePrefetcher(0, 0);
        return prefetcher.Next(TestContext.Current.CancellationToken);
    }
}
