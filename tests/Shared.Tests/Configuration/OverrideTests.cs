namespace Mcn.Web.Shared.Tests.Configuration;

public sealed class OverrideTests : ConfigFixture
{
    [Fact]
    public void A_key_is_named_in_full_or_by_a_leaf_that_only_one_section_has()
    {
        var config = Sound("optimizer.lr=0.5", "batch_size=16", "evaluation.every_epochs=7", "seed=9");
        Assert.Equal((0.5, 16, 7, 1, 9), (config.Optimizer.Lr, config.Data.BatchSize, config.Evaluation.EveryEpochs,
            config.Checkpoint.EveryEpochs, config.Seed));
    }

    [Fact]
    public void Values_are_json_or_plain_text_and_the_later_one_wins()
    {
        var config = Sound("name=2024", "devices=cuda:0", "layer_widths=[1,2,3,4,5]", "schedule=\"constant\"", "mean=true", "lr=0.5",
            "lr=0.25");
        Assert.Equal(("2024", "constant", true, 0.25), (config.Name, config.Optimizer.Schedule, config.Objective.Mean,
            config.Optimizer.Lr));
        Assert.Equal(["cuda:0"], config.Devices);
        Assert.Equal([1, 2, 3, 4, 5], config.Model.LayerWidths);
    }

    [Fact]
    public void A_value_may_hold_an_equals_sign_and_spaces() => Assert.Equal("a = b", Sound("name = a = b").Name);

    [Fact]
    public void A_required_key_may_come_from_an_override()
    {
        var config = Read("{}", "train_csv=/v.csv", "features_path=/f", "caption_path=/c", "word2vec_path=/w");
        Assert.Equal(("/v.csv", "/f"), (config.Data.TrainCsv, config.Data.FeaturesPathAudio));
    }

    [Fact]
    public void Relative_paths_start_from_the_current_directory() =>
        Assert.Equal(Path.Combine(Directory.GetCurrentDirectory(), "here/val.pkl"),
            Sound("eval_files=here/val.pkl").Evaluation.EvalFiles[0]);

    [Fact]
    public void A_preset_and_a_switch_work_in_their_order()
    {
        var switches = Sound("compatibility=original", "optimistic_ties=false").Compatibility;
        Assert.Equal((true, false), (switches.ScheduleRisesAgain, switches.OptimisticTies));
    }

    [Theory]
    [InlineData("lr=abc", "--set lr=abc: optimizer.lr: found \"abc\"; expected a number, more than 0 and at most 1")]
    [InlineData("every_epochs=3",
        "--set every_epochs=3: found every_epochs in 2 sections; expected checkpoint.every_epochs or evaluation.every_epochs")]
    [InlineData("lrr=1", "--set lrr=1: found the unknown key lrr. Did you mean optimizer.lr?")]
    [InlineData("model.batch_size=1", "--set model.batch_size=1: found the unknown key model.batch_size. Did you mean data.batch_size?")]
    [InlineData("lr", "--set lr: found no =; expected key=value")]
    [InlineData("=1", "--set =1: found no key before the =")]
    [InlineData("kmeans=1", "--set kmeans=1: objective.kmeans: found 1; expected true or false. Write true")]
    [InlineData("data={}", "--set data={}: data: found a section; expected a key")]
    [InlineData("compatibility=yes", "--set compatibility=yes: compatibility: found \"yes\"; expected \"original\", \"default\"")]
    [InlineData("cluster_size=5000",
        "--set cluster_size=5000: objective.cluster_size: found 5000 clusters for 128 x 32 = 4096 clips a step")]
    [InlineData("eval_files=", "--set eval_files=: evaluation.eval_files: found \"\"; expected a list")]
    public void A_mistake_names_the_override_as_it_was_typed(string assignment, string start) =>
        Assert.StartsWith(start, OneMistake(() => Sound(assignment)), StringComparison.Ordinal);
}
