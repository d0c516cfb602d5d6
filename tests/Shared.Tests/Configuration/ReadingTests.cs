using Mcn.Web.Shared.Configuration;

namespace Mcn.Web.Shared.Tests.Configuration;

public sealed class ReadingTests : ConfigFixture
{
    [Fact]
    public void The_smallest_file_gives_the_published_recipe()
    {
        var config = Sound();

        Assert.Equal("toy", config.Name);
        Assert.Equal(ProtocolVersion.Config, config.FormatVersion);
        Assert.Equal(4096, config.ClipsPerStep);
        Assert.Equal(["cpu"], config.Devices);
        Assert.Equal([128, 128, 256, 512, 1024], config.Model.LayerWidths);
        Assert.Equal((1e-4, 5000, 30, 0.9, 0.999, 1e-8), (config.Optimizer.Lr, config.Optimizer.WarmupSteps, config.Optimizer.Epochs,
            config.Optimizer.Beta1, config.Optimizer.Beta2, config.Optimizer.Eps));
        Assert.True(config.Objective is { Kmeans: true, UseQueue: true, FastC: true, Mean: false });
        Assert.True(config.Objective is { ReconWeight: 50, CluLamb: 1, Margin: 0.001, ClusterSize: 256, QueueSize: 20 });
        Assert.Equal(1073741824, config.Data.ReadAheadBytes);
        Assert.Empty(config.Evaluation.EvalFiles);
    }

    [Fact]
    public void Comments_trailing_commas_and_a_byte_order_mark_are_allowed()
    {
        var config = Read($"\uFEFF// one\n{{ /* two */ \"data\": {{ {Required}, }}, \"seed\": 7, }}");
        Assert.Equal(7, config.Seed);
    }

    [Fact]
    public void Every_mistake_is_reported_at_once()
    {
        var lines = MistakesOf(() => Read("""
            {
              "sed": 3,
              "precision": "fp16",
              "data": { "train_csv": "a.csv", "features_path": 5, "batch_size": "128", "n_pair": 0, "n_pair": 4, "word2vec_path": "w" },
              "optimizer": { "lr": -1, "epochs": 1.5 },
              "model": { "layer_widths": [1, 2, "x"] },
              "objective": { "no_audio": true, "no_video": true, "kmeans": 1 },
              "telemetry": 5
            }
            """, "lr=abc", "every_epochs=2"));

        string[] expected =
        [
            "FILE: sed: found an unknown key. Did you mean seed?",
            "FILE: precision: found \"fp16\"; expected \"fp32\" or \"tf32\" or \"bf16\"",
            "FILE: data.features_path: found 5; expected the path of a folder",
            "FILE: data.batch_size: found \"128\"; expected a whole number from 1 to 1000000. Write 128 without quotation marks",
            "FILE: data.n_pair: found 0; expected a whole number from 1 to 1000",
            "FILE: data.n_pair: found the key twice; expected it once. Remove one of the two",
            "FILE: optimizer.lr: found -1; expected a number, more than 0 and at most 1",
            "FILE: optimizer.epochs: found 1.5; expected a whole number, at least 1",
            "FILE: model.layer_widths: found [1, 2, \"x\"]; expected a list of exactly 5, "
                + "each a whole number from 1 to 1048576. Entry 3 is \"x\"",
            "FILE: objective.kmeans: found 1; expected true or false. Write true",
            "FILE: telemetry: found 5; expected an object { … }: it is a section",
            "--set lr=abc: optimizer.lr: found \"abc\"; expected a number, more than 0 and at most 1",
            "--set every_epochs=2: found every_epochs in 2 sections; expected checkpoint.every_epochs or evaluation.every_epochs. "
                + "Write the section before the key",
            "FILE: data.caption_path: found nothing; expected the path of a file. Add it (Python pickle: video id → start, end, text)",
            "FILE: objective.no_audio: found both no_audio and no_video; expected at most one of them. "
                + "Switch one off: only the text would be left",
        ];
        Assert.Equal(expected, lines.Select(line => line.Replace(ConfigPath, "FILE", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("batchsize", "Did you mean data.batch_size?")]
    [InlineData("Batch_Size", "Did you mean data.batch_size?")]
    [InlineData("n_piar", "Did you mean data.n_pair?")]
    [InlineData("lr", "Did you mean optimizer.lr?")]
    [InlineData("fast_c", "Did you mean objective.fastC?")]
    [InlineData("tri_modal", "Leave it out: all three modalities are trained, see objective.no_audio and objective.no_video")]
    [InlineData("frobnicate", "Known here: train_csv, features_path")]
    public void An_unknown_key_is_answered_with_the_nearest_known_one(string key, string remedy) =>
        Assert.Contains(remedy, OneMistake(() => ReadWith($"\"{key}\": 1")), StringComparison.Ordinal);

    [Theory]
    [InlineData("\"optimiser\": {}", "FILE: optimiser: found an unknown key. Did you mean optimizer?")]
    [InlineData("\"batch_size\": 8", "FILE: batch_size: found an unknown key. Did you mean data.batch_size?")]
    [InlineData("\"zzzzzzzz\": 8", "FILE: zzzzzzzz: found an unknown key. Known here: format_version, name, seed")]
    public void An_unknown_key_at_the_top_may_be_a_section_or_a_key_of_one(string member, string line) =>
        Assert.StartsWith(line, OneMistake(() => ReadWith(sections: member)), StringComparison.Ordinal);

    [Fact]
    public void A_misspelt_key_does_not_drag_rules_about_its_default_along() =>
        Assert.Contains("Did you mean objective.cluster_size?",
            OneMistake(() => ReadWith("\"batch_size\": 4, \"n_pair\": 4", "\"objective\": { \"clustersize\": 8 }")),
                StringComparison.Ordinal);

    [Theory]
    [InlineData("{\n  \"seed\": 1\n  \"name\": 2\n}", "FILE: line 3, column 3: found a JSON error (")]
    [InlineData("{ \"あ\": 1 x", "FILE: line 1, column 10: found a JSON error (")]
    [InlineData("", "FILE: line 1, column 1: found a JSON error (")]
    [InlineData("{ \"a\": \"\\ud800\" }", "FILE: line 1, column 8: found text that is not Unicode")]
    [InlineData("[]", "FILE: found []; expected an object")]
    [InlineData("{ \"format_version\": 2, \"new_key\": 1 }",
        "FILE: format_version: found 2; expected at most 1. A newer program wrote this file")]
    public void A_file_that_cannot_be_read_is_one_mistake_with_its_place(string json, string start) =>
        Assert.StartsWith(start, OneMistake(() => Read(json)), StringComparison.Ordinal);

    [Fact]
    public void A_missing_file_a_folder_and_a_data_file_are_one_mistake_each()
    {
        Assert.Contains("found no file", OneMistake(() => RunConfigFile.Read(ConfigPath, [])), StringComparison.Ordinal);
        Assert.Contains("found a folder", OneMistake(() => RunConfigFile.Read(Folder, [])), StringComparison.Ordinal);
        using (var big = File.Create(ConfigPath)) big.SetLength(5 << 20);
        Assert.Contains("more than 4 MiB", OneMistake(() => RunConfigFile.Read(ConfigPath, [])), StringComparison.Ordinal);
    }

    [Fact]
    public void Relative_paths_start_from_the_folder_of_the_file_and_are_made_normal()
    {
        var config = ReadWith("\"features_path_audio\": \"../audio/./x/..//y/\"",
            "\"evaluation\": { \"eval_files\": [\"val.pkl\", \"/sets/test\"] }");

        Assert.Equal(Path.Combine(Folder, "videos.csv"), config.Data.TrainCsv);
        Assert.Equal(Path.Combine(Path.GetDirectoryName(Folder)!, "audio/y"), config.Data.FeaturesPathAudio);
        Assert.Equal([Path.Combine(Folder, "val.pkl"), "/sets/test"], config.Evaluation.EvalFiles);
    }

    [Theory]
    [InlineData("\"max_words\": 20")]
    [InlineData("\"features_path_audio\": \"\"")]
    public void The_audio_root_is_the_other_root_when_it_is_absent_or_empty(string member) =>
        Assert.Equal(Path.Combine(Folder, "features"), ReadWith(member).Data.FeaturesPathAudio);

    [Fact]
    public void A_tilde_is_refused_instead_of_naming_a_folder_called_tilde() =>
        Assert.Contains("in place of ~", OneMistake(() => ReadWith("\"features_path_audio\": \"~/features\"")), StringComparison.Ordinal);

    [Fact]
    public void Null_is_not_a_way_to_ask_for_the_default() =>
        Assert.EndsWith("found null; expected a whole number, at least 1. Leave the key out for its default",
            OneMistake(() => ReadWith(sections: "\"optimizer\": { \"epochs\": null }")), StringComparison.Ordinal);

    [Fact]
    public void Lists_of_texts_may_be_one_text()
    {
        var config = ReadWith(sections: "\"devices\": \"cuda:1\", \"evaluation\": { \"eval_files\": \"val.pkl\" }");
        Assert.Equal(["cuda:1"], config.Devices);
        Assert.Equal([Path.Combine(Folder, "val.pkl")], config.Evaluation.EvalFiles);
    }

    [Theory]
    [InlineData("\"original\"", true, true)]
    [InlineData("\"default\"", false, false)]
    [InlineData("{ \"optimistic_ties\": true, \"zero_empty_clusters\": false }", true, false)]
    public void Compatibility_is_a_preset_or_an_object_of_switches(string value, bool optimisticTies, bool zeroEmptyClusters)
    {
        var config = ReadWith(sections: $"\"compatibility\": {value}");
        Assert.Equal((optimisticTies, zeroEmptyClusters), (config.Compatibility.OptimisticTies, config.Compatibility.ZeroEmptyClusters));
    }

    [Fact]
    public void The_original_preset_turns_every_switch_on()
    {
        var switches = ReadWith(sections: "\"compatibility\": \"original\"").Compatibility;
        Assert.All(typeof(CompatibilityConfig).GetProperties().Where(property => property.PropertyType == typeof(bool)),
            property => Assert.Equal(true, property.GetValue(switches)));
    }

    [Theory]
    [InlineData("1e400")]
    [InlineData("\"NaN\"")]
    public void A_number_that_is_not_finite_is_refused(string number) =>
        Assert.Contains("objective.margin", OneMistake(() => ReadWith(sections: $"\"objective\": {{ \"margin\": {number} }}")),
            StringComparison.Ordinal);
}
