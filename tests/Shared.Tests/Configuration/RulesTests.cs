using Mcn.Web.Shared.Configuration;

namespace Mcn.Web.Shared.Tests.Configuration;

public sealed class RulesTests : ConfigFixture
{
    [Theory]
    [InlineData("FILE: objective.no_audio: found both no_audio and no_video", "\"objective\": { \"no_audio\": true, \"no_video\": true }")]
    [InlineData("FILE: objective.weight_text_video: found weight 0 for every pair that is trained "
        + "(weight_text_video, weight_audio_text, weight_audio_video)",
        "\"objective\": { \"weight_text_video\": 0, \"weight_audio_text\": 0, \"weight_audio_video\": 0 }")]
    [InlineData("FILE: objective.weight_text_video: found weight 0 for every pair that is trained (weight_text_video);",
        "\"objective\": { \"weight_text_video\": 0, \"no_audio\": true }")]
    [InlineData("FILE: objective.weight_audio_text: found -1; expected a number, at least 0",
        "\"objective\": { \"weight_audio_text\": -1 }")]
    [InlineData("FILE: objective.cluster_size: found 4097 clusters for 128 x 32 = 4096 clips a step",
        "\"objective\": { \"cluster_size\": 4097 }")]
    [InlineData("FILE: devices: found cuda:0, cuda:0; expected GPUs, each once, or \"cpu\" only", "\"devices\": [\"cuda:0\", \"cuda:0\"]")]
    [InlineData("FILE: devices: found cpu, cuda:0; expected GPUs, each once, or \"cpu\" only", "\"devices\": [\"cpu\", \"cuda:0\"]")]
    [InlineData("FILE: devices: found 5 devices for 4 BatchNorm groups (4096 clips a step, batchnorm_group 1024); expected at most as many devices as groups",
        "\"devices\": [\"cpu\", \"cpu\", \"cpu\", \"cpu\", \"cpu\"]")]
    [InlineData("FILE: devices: found []; expected a list of at least 1", "\"devices\": []")]
    [InlineData("FILE: devices: found \"cuda\"; expected a list of at least 1, "
        + "each \"cpu\" or \"cuda:N\" with N from 0 (or one without brackets). "
        + "Write \"cuda:0\"", "\"devices\": \"cuda\"")]
    [InlineData("FILE: precision: found \"fp16\"; expected \"fp32\"", "\"precision\": \"fp16\"")]
    [InlineData("FILE: model.layer_widths: found [1, 2, 3, 4]; expected a list of exactly 5",
        "\"model\": { \"layer_widths\": [1, 2, 3, 4] }")]
    [InlineData("FILE: model.layer_widths: found [1, 2, 3, 4, 0]; expected a list of exactly 5",
        "\"model\": { \"layer_widths\": [1, 2, 3, 4, 0] }")]
    [InlineData("FILE: checkpoint.keep_last: found 0; expected a whole number, at least 1", "\"checkpoint\": { \"keep_last\": 0 }")]
    [InlineData("FILE: optimizer.warmup_steps: found -1; expected a whole number, at least 0", "\"optimizer\": { \"warmup_steps\": -1 }")]
    [InlineData("FILE: evaluation.eval_files: found /a.pkl twice", "\"evaluation\": { \"eval_files\": [\"/a.pkl\", \"/b/../a.pkl\"] }")]
    [InlineData("FILE: model.batchnorm_group: found groups of 1000 for 4096 clips a step; expected a divisor of batch_size x n_pair, or at least all of it. "
        + "Set batchnorm_group to 512", "\"model\": { \"batchnorm_group\": 1000 }")]
    [InlineData("FILE: model.batchnorm_group: found 1; expected a whole number", "\"model\": { \"batchnorm_group\": 1 }")]
    [InlineData("FILE: optimizer.micro_batch: found 1536 clips with BatchNorm groups of 1024; expected 0 or a multiple of the group",
        "\"optimizer\": { \"micro_batch\": 1536 }")]
    public void A_broken_rule_is_one_mistake(string start, string sections) =>
        Assert.StartsWith(start, OneMistake(() => ReadWith(sections: sections)), StringComparison.Ordinal);

    [Fact]
    public void A_queue_needs_two_clips_of_a_video_but_only_with_kmeans()
    {
        Assert.StartsWith("FILE: data.n_pair: found 1 with use_queue; expected at least 2",
            OneMistake(() => ReadWith("\"batch_size\": 512, \"n_pair\": 1")), StringComparison.Ordinal);
        Assert.Equal(1, ReadWith("\"batch_size\": 512, \"n_pair\": 1", "\"objective\": { \"kmeans\": false }").Data.NPair);
        Assert.Equal(1, ReadWith("\"batch_size\": 512, \"n_pair\": 1", "\"objective\": { \"use_queue\": false }").Data.NPair);
    }

    [Theory]
    [InlineData("\"read_mode\": \"sequential\"", "FILE: data.read_mode: found read_mode sequential with the original's layout; expected data.shards. Pack the data")]
    [InlineData("\"echo\": 2", "FILE: data.read_mode: found echo 2 with read_mode auto; expected echo 1, or read_mode sequential")]
    [InlineData("\"echo\": 17", "FILE: data.echo: found 17; expected a whole number")]
    [InlineData("\"read_mode\": \"hdd\"", "FILE: data.read_mode: found \"hdd\"; expected \"auto\" or \"random\" or \"sequential\"")]
    public void Ways_of_reading_that_the_data_do_not_have_are_one_mistake(string data, string start) =>
        Assert.StartsWith(start, OneMistake(() => ReadWith(data)), StringComparison.Ordinal);

    [Fact]
    public void A_step_of_fewer_clips_than_a_BatchNorm_group_is_one_group()
    {
        Assert.Equal(4, Sound().BatchnormGroups);
        Assert.Equal(1, ReadWith("\"batch_size\": 30, \"n_pair\": 10").BatchnormGroups);
        Assert.Equal(300, ReadWith("\"batch_size\": 30, \"n_pair\": 10", "\"optimizer\": { \"micro_batch\": 300 }").Optimizer.MicroBatch);
    }

    [Theory]
    [InlineData("\"devices\": \"cuda:3\"", 1)]
    [InlineData("\"devices\": [\"cuda:0\", \"cuda:1\", \"cuda:2\", \"cuda:3\"]", 4)]
    [InlineData("\"devices\": [\"cpu\", \"cpu\"]", 2)]
    public void Several_devices_are_several_replicas(string devices, int count) => Assert.Equal(count, ReadWith(sections: devices).Devices.Count);

    [Fact]
    public void One_clip_a_step_is_refused() =>
        Assert.StartsWith("FILE: data.batch_size: found batch_size 1 x n_pair 1 = 1 clip a step",
            OneMistake(() => ReadWith("\"batch_size\": 1, \"n_pair\": 1", "\"objective\": { \"kmeans\": false }")),
                StringComparison.Ordinal);

    [Fact]
    public void A_record_changed_in_memory_is_checked_key_by_key_too()
    {
        var config = Sound();
        Assert.Empty(RunConfigRules.Check(config));

        var changed = config with
        {
            Precision = "fp8",
            Optimizer = config.Optimizer with { Lr = double.NaN },
            Objective = config.Objective with { ClusterSize = 5000 },
        };
        Assert.Equal(["precision", "optimizer.lr", "objective.cluster_size"], RunConfigRules.Check(changed).Select(mistake => mistake.Key));
    }

    [Fact]
    public void Every_missing_input_is_named_with_its_key_and_path()
    {
        var config = ReadWith(sections: "\"evaluation\": { \"eval_files\": [\"val.pkl\", \"sets\"] }");
        var missing = RunConfigRules.CheckFiles(config);
        Assert.Equal(["data.train_csv", "data.features_path", "data.caption_path", "data.word2vec_path", "evaluation.eval_files",
            "evaluation.eval_files"],
            missing.Select(mistake => mistake.Key));
        Assert.Equal($"data.train_csv: found nothing at {Folder}/videos.csv; expected the path of a file. "
            + $"Correct the path, or mount the disk ({Folder} exists, videos.csv in it does not)", missing[0].ToString());

        foreach (var file in new[] { "videos.csv", "caption.pickle", "words.bin", "val.pkl",
            "features" }) File.WriteAllText(Path.Combine(Folder, file), "");
        Directory.CreateDirectory(Path.Combine(Folder, "sets"));
        Assert.Equal($"data.features_path: found a file at {Folder}/features; expected the path of a folder. Correct the path",
            Assert.Single(RunConfigRules.CheckFiles(config)).ToString());
    }

    [Fact]
    public void An_audio_root_of_its_own_is_looked_for() =>
        Assert.Contains(RunConfigRules.CheckFiles(ReadWith("\"features_path_audio\": \"audio\"")), mistake =>
            mistake.Key == "data.features_path_audio");

    [Fact]
    public void The_batch_size_slip_is_told_in_the_papers_own_numbers()
    {
        Assert.Empty(RunConfigRules.Warnings(Sound()));
        Assert.Empty(RunConfigRules.Warnings(Sound("batch_size=512")));
        Assert.Equal(["batch_size 4096 videos x n_pair 32 clips = 131,072 clips a step; the paper's 4096 is 128 x 32"],
            RunConfigRules.Warnings(Sound("batch_size=4096")));
    }

    [Fact]
    public void Single_precision_on_a_GPU_is_told_to_leave_most_of_it_unused()
    {
        Assert.Contains("TF32 off", Assert.Single(RunConfigRules.Warnings(Sound("devices=cuda:0"))), StringComparison.Ordinal);
        Assert.Empty(RunConfigRules.Warnings(Sound("devices=cuda:0", "precision=tf32")));
    }

    [Fact]
    public void A_queue_that_starts_after_the_end_is_told() =>
        Assert.Contains("the queue stays empty", Assert.Single(RunConfigRules.Warnings(Sound("start_queue=30"))), StringComparison.Ordinal);
}
