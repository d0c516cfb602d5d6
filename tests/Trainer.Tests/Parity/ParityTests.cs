using System.Text.Json.Nodes;
using Mcn.Web.Shared;
using Mcn.Web.TestKit;
using Mcn.Web.Trainer.Import;
using Mcn.Web.Trainer.Parity;

namespace Mcn.Web.Trainer.Tests.Parity;

/// <summary>The checks of `parity` on the original's numbers, and on numbers that were falsified so that each kind of check is seen to fail.</summary>
public sealed class ParityTests
{
    /// <summary>Groups that the small set of this repository has the files for, in whole.</summary>
    const int GroupsOfTheReducedSet = 16;

    [Fact]
    public void Every_check_that_the_small_set_offers_passes()
    {
        var (report, checks) = Run(GoldenFolders.Find(GoldenFolders.Reduced)!);
        Assert.Empty(checks.Where(check => !check.Passed).Select(check => $"{check.Name}: {check.Error} > {check.Limit} {check.Note}"));
        Assert.True(report.Passed > 500, $"{report.Passed} checks");
        Assert.True(ParityRun.Names.Count() - report.Skipped >= GroupsOfTheReducedSet, $"{report.Skipped} groups skipped");
    }

    [Fact]
    public void Every_check_of_the_full_set_passes()
    {
        var folder = GoldenFolders.Find(GoldenFolders.Full);
        Assert.SkipWhen(folder is null, SharedData.SkipReason);
        var (report, checks) = Run(folder!);
        Assert.Empty(checks.Where(check => !check.Passed).Select(check => $"{check.Name}: {check.Error} > {check.Limit} {check.Note}"));
        Assert.Equal(0, report.Skipped);
        Assert.True(report.Passed > 2000, $"{report.Passed} checks");
    }

    [Theory]
    [InlineData("forward_train", "forward_train.npz", "out_video", "forward_train.out_video")]
    [InlineData("forward_eval", "forward_eval.npz", "out_audio", "forward_eval.out_audio")]
    [InlineData("losses.mms", "losses.npz", "mms3_dS", "losses.mms3.dS")]
    [InlineData("losses.milnce", "losses.npz", "milnce1_dtext", "losses.milnce1.dtext")]
    [InlineData("losses.cluster", "losses.npz", "cluster2_demb", "losses.cluster2.demb")]
    [InlineData("kmeans", "kmeans.npz", "empty_cluster_centroids", "kmeans.empty_cluster.centroids")]
    [InlineData("queue_original", "queue_original.npz", "queue3", "queue_original.queue3")]
    [InlineData("train_const", "train_const_grads_step_0.npz", "GU_video.fc.weight", "train_const.grads_step_0.GU_video.fc.weight")]
    [InlineData("train_const", "train_const_params_after_3.npz", "DAVEnet.conv1.weight", "train_const.params_after_3.DAVEnet.conv1.weight")]
    [InlineData("tokenizer", "tokenizer.npz", "sentence_we", "tokenizer.0.matrix")]
    [InlineData("metrics", "metrics.npz", "ties_int", "metrics.ties_int.n_matches")]
    [InlineData("mel", "mel.npz", "raw", "mel.raw")]
    [InlineData("retrieval_eval", "retrieval_eval.npz", "sim_text_videoaudio", "retrieval_eval.sim_text_videoaudio")]
    public void A_falsified_array_fails_the_check_that_is_named_for_it(string group, string file, string array, string check)
    {
        using var copy = new FalsifiedFolder();
        copy.ChangeArray(file, array);
        var (_, checks) = Run(copy.Path, group);
        Assert.Contains(checks, one => one.Name == check && !one.Passed);
        Assert.Contains(checks, one => one.Passed); // the others of the group are still judged by themselves
    }

    [Theory]
    [InlineData("clip_sampling.json", "clip_sampling")]
    [InlineData("lr_schedule.json", "lr_schedule")]
    [InlineData("losses.json", "losses.mms")]
    public void A_falsified_number_fails_its_group(string file, string group)
    {
        using var copy = new FalsifiedFolder();
        copy.ChangeNumbers(file);
        Assert.Contains(Run(copy.Path, group).Checks, check => !check.Passed);
    }

    [Fact]
    public void A_falsified_output_of_a_module_fails_by_the_module_s_name()
    {
        var full = GoldenFolders.Find(GoldenFolders.Full);
        Assert.SkipWhen(full is null, SharedData.SkipReason);
        using var copy = new FalsifiedFolder();
        File.Copy(Path.Combine(full!, "forward_train.npz"), Path.Combine(copy.Path, "forward_train.npz"), overwrite: true);
        foreach (var file in new[] { "description.json", "init_params.npz", "batches.npz" }) File.Copy(Path.Combine(full!, file), Path.Combine(copy.Path, file), overwrite: true);
        copy.ChangeArray("forward_train.npz", "mod_DAVEnet.layer3");
        Assert.Equal(["forward_train.mod_DAVEnet.layer3"], Run(copy.Path, "forward_train").Checks.Where(check => !check.Passed).Select(check => check.Name));
    }

    [Fact]
    public void A_group_whose_file_is_missing_is_skipped_and_one_whose_array_is_missing_fails()
    {
        using var copy = new FalsifiedFolder();
        File.Delete(Path.Combine(copy.Path, "kmeans.json"));
        copy.RemoveArray("forward_eval.npz", "out_text");
        Assert.Equal((0, 1), (Run(copy.Path, "kmeans").Report.Failed, Run(copy.Path, "kmeans").Report.Skipped));
        var forward = Run(copy.Path, "forward_eval").Checks;
        Assert.Contains(forward, check => !check.Passed && check.Note.Contains("no array out_text", StringComparison.Ordinal));
    }

    [Fact]
    public void A_folder_without_or_with_a_torn_description_is_refused_in_one_line()
    {
        using var folder = new TempFolder();
        Assert.Contains("description.json", Assert.Throws<UserError>(() => GoldenFolder.Open(folder.Path)).Message, StringComparison.Ordinal);
        File.WriteAllText(folder.File("description.json"), "{ \"config\": ");
        Assert.Contains("description.json", Assert.Throws<UserError>(() => GoldenFolder.Open(folder.Path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Formula_weights_are_those_that_the_golden_files_name()
    {
        // First value of DAVEnet.batchnorm1.weight (seed 1) and of conv1.weight (seed 3) in fullsize.json.
        Assert.Equal(0.9132136106491089, 1 + (0.2 * FormulaWeights.Uniform(0, 1)), 1e-7);
        Assert.Equal(-0.013263280503451824, FormulaWeights.Uniform(0, 3) * Math.Sqrt(12) * Math.Sqrt(2.0 / (40 * 128)), 1e-8);
    }

    static (ParityReport Report, List<ParityCheck> Checks) Run(string folder, params string[] only)
    {
        var checks = new List<ParityCheck>();
        var report = new ParityReport(checks.Add, (_, _) => { });
        ParityRun.Check(GoldenFolder.Open(folder), report, only);
        return (report, checks);
    }

    /// <summary>A copy of the small golden set to change.</summary>
    sealed class FalsifiedFolder : IDisposable
    {
        readonly TempFolder folder = new();

        public FalsifiedFolder()
        {
            var source = GoldenFolders.Find(GoldenFolders.Reduced)!;
            foreach (var file in Directory.EnumerateFiles(source, "*", SearchOption.AllDirectories))
            {
                var target = System.IO.Path.Combine(folder.Path, System.IO.Path.GetRelativePath(source, file));
                Directory.CreateDirectory(System.IO.Path.GetDirectoryName(target)!);
                File.Copy(file, target);
            }
        }

        public string Path => folder.Path;

        /// <summary>Adds a thousandth of its largest value to every element (half of it to whole numbers' first element).</summary>
        public void ChangeArray(string file, string array) => Rewrite(file, arrays =>
        {
            var values = arrays[array].ToSingles();
            var step = Math.Max(1e-3f, 1e-3f * values.Max(Math.Abs));
            for (var i = 0; i < values.Length; i += 2) values[i] += step;
            arrays[array] = new HostArray(ArrayType.Float32, arrays[array].Shape, System.Runtime.InteropServices.MemoryMarshal.AsBytes(values.AsSpan()).ToArray());
        });

        public void RemoveArray(string file, string array) => Rewrite(file, arrays => arrays.Remove(array));

        /// <summary>Makes every number of a JSON file with a fraction a hundredth larger.</summary>
        public void ChangeNumbers(string file)
        {
            var path = System.IO.Path.Combine(Path, file);
            File.WriteAllText(path, Changed(JsonNode.Parse(File.ReadAllText(path))!).ToJsonString());
        }

        static JsonNode Changed(JsonNode node) => node switch
        {
            JsonObject item => new JsonObject(item.Select(pair => KeyValuePair.Create(pair.Key, pair.Value is null ? null : Changed(pair.Value)))),
            JsonArray list => new JsonArray([.. list.Select(item => item is null ? null : Changed(item))]),
            JsonValue value when value.TryGetValue<double>(out var number) && number != Math.Floor(number) => JsonValue.Create((number * 1.01) + 0.01),
            _ => node.DeepClone(),
        };

        void Rewrite(string file, Action<Dictionary<string, HostArray>> change)
        {
            var path = System.IO.Path.Combine(Path, file);
            var arrays = Npz.ReadAll(path);
            change(arrays);
            File.Delete(path);
            Npz.Write(path, [.. arrays.Select(pair => (pair.Key, pair.Value))], compress: false);
        }

        public void Dispose() => folder.Dispose();
    }
}
