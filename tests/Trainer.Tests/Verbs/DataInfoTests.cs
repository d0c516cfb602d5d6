using System.Text.Json.Nodes;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.Trainer.Data.Shards;
using Mcn.Web.Trainer.Tests.Data;
using Mcn.Web.Trainer.Tests.Data.Shards;

namespace Mcn.Web.Trainer.Tests.Verbs;

public sealed class DataInfoTests
{
    [Fact]
    public async Task Of_a_pack_it_says_what_is_in_it_how_it_is_read_and_what_the_loader_does_with_it()
    {
        using var set = new SmallSet(11);
        using var packs = new PackedSet(set.Config);
        var config = packs.Pack(PackEncoding.Fp16);
        config = config with { Data = config.Data with { ReadMode = ReadModes.Sequential, ShuffleWindowBytes = 150_000, Echo = 2 } };
        config = config with { Objective = config.Objective with { Kmeans = false } }; // six clips are fewer than its clusters
        var file = packs.PathOf("over.json");
        RunConfigFile.Write(file, config);

        var (_, json, errors) = await TrainerProcess.Run("data", "info", file, "--json");
        Assert.Equal("", errors);
        var told = JsonNode.Parse(json)!;
        Assert.Equal((11, "fp16", "sequential"), ((int)told["videos"]!, (string)told["encoding"]!, (string)told["mode"]!));
        Assert.True((double)told["togetherness"]! > 1);
        var one = told["encodings"]![0]!;
        Assert.True((double)one["cpu_seconds_per_video"]! > 0);
        Assert.Equal(22 / (double)one["videos_per_second"]!, (double)one["epoch_seconds"]!, 1e-6); // each video twice

        var (code, output, _) = await TrainerProcess.Run("data", "info", config.Data.Shards);
        Assert.Equal(0, code);
        Assert.Contains("11 videos, 110 captions as fp16", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Of_the_original_layout_it_says_for_each_encoding_what_disk_and_readers_allow()
    {
        using var set = new SmallSet(11);
        var config = set.Config with { Objective = set.Config.Objective with { Kmeans = false } }; // six clips are fewer than its clusters
        var file = set.PathOf("original.json");
        RunConfigFile.Write(file, config);

        var (code, json, errors) = await TrainerProcess.Run("data", "info", file, "--json");
        Assert.Equal((0, ""), (code, errors));
        var told = JsonNode.Parse(json)!;
        Assert.Null(told["cpu_unmeasured_because"]);
        var encodings = told["encodings"]!.AsArray();
        Assert.Equal(["original", "fp16", "u8", "pooled", "pooled-u8"], encodings.Select(one => (string)one!["encoding"]!));
        foreach (var one in encodings)
        {
            var (disk, cpu, readers) = ((double)one!["disk_videos_per_second"]!, (double)one["cpu_seconds_per_video"]!, (int)one["readers"]!);
            Assert.Equal(1, readers);
            Assert.Equal(Math.Min(disk, readers / cpu), (double)one["videos_per_second"]!, 1e-6);
            Assert.Equal(11 / (double)one["videos_per_second"]!, (double)one["epoch_seconds"]!, 1e-6);
        }
    }
}
