using Mcn.Web.Shared.Configuration;

namespace Mcn.Web.Shared.Tests.Configuration;

public sealed class DeclarationTests : ConfigFixture
{
    static readonly string Repository = FindRepository();

    public static TheoryData<string> DeployedFiles => [.. Directory.GetFiles(Path.Combine(Repository, "deploy/config"),
        "*.json").Select(file => Path.GetFileName(file))];

    [Fact]
    public void Every_key_of_the_records_is_declared_once_in_their_order() =>
        Assert.Equal(RunConfigTree.Flatten(Sound()).Select(pair => pair.Key), RunConfigKeys.All.Select(key => key.Path));

    [Fact]
    public void Every_default_is_a_value_its_own_type_accepts() =>
        Assert.All(RunConfigKeys.All.Where(key => key.Default is not null), key =>
        {
            Assert.True(ConfigJson.TryParseValue(key.Default!.ToJsonString(), out var value));
            Assert.Equal(key.Default!.ToJsonString(), key.Type.Read(value, "/", out _)?.ToJsonString());
        });

    [Fact]
    public void Every_section_and_every_key_of_a_rule_exists()
    {
        Assert.Equal(RunConfigKeys.Sections.Select(section => section.Key), RunConfigKeys.All.Select(key => key.Section).Distinct());
        Assert.All(RunConfigRules.Rules.SelectMany(rule => rule.Keys), key => Assert.NotNull(RunConfigKeys.Find(key)));
    }

    [Fact]
    public void The_document_is_what_the_declarations_say()
    {
        var file = Path.Combine(Repository, "docs/configuration.md");
        if (Environment.GetEnvironmentVariable("MCN_UPDATE_DOCS") == "1") File.WriteAllText(file, ConfigurationDocument.Render());
        Assert.True(File.Exists(file), "docs/configuration.md is missing: run the tests once with MCN_UPDATE_DOCS=1");
        Assert.True(File.ReadAllText(file) == ConfigurationDocument.Render(),
            "docs/configuration.md is old: run the tests once with MCN_UPDATE_DOCS=1");
    }

    [Theory]
    [MemberData(nameof(DeployedFiles))]
    public void Every_deployed_configuration_is_sound(string name)
    {
        var config = RunConfigFile.Read(Path.Combine(Repository, "deploy/config", name), []);
        Assert.Empty(RunConfigRules.Warnings(config));
        Assert.Equal(Path.GetFileNameWithoutExtension(name), config.Name);
    }

    [Fact]
    public void The_digits_configuration_finds_its_data_beside_the_clone()
    {
        var data = TestKit.SharedData.Find("data/digits-3m");
        Assert.SkipWhen(data is null, TestKit.SharedData.SkipReason);

        var config = RunConfigFile.Read(Path.Combine(Repository, "deploy/config/digits-3m.json"), []);
        Assert.SkipWhen(config.Data.FeaturesPath != Path.Combine(data, "train/parsed_videos"), "MCN_SHARED names another place");
        Assert.Empty(RunConfigRules.CheckFiles(config));
        Assert.Equal(64, config.ClipsPerStep);
    }

    [Fact]
    public void The_published_configuration_differs_from_the_defaults_only_where_it_must()
    {
        var published = RunConfigFile.Read(Path.Combine(Repository, "deploy/config/howto100m.json"), []);
        var defaults = Sound();
        Assert.Equal(defaults.Model with { LayerWidths = [] }, published.Model with { LayerWidths = [] });
        Assert.Equal(defaults.Model.LayerWidths, published.Model.LayerWidths);
        Assert.Equal(defaults.Objective, published.Objective);
        Assert.Equal(defaults.Optimizer, published.Optimizer);
        Assert.Equal(4096, published.ClipsPerStep);
    }

    static string FindRepository()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Mcn.Web.sln"))) folder = folder.Parent!;
        return folder.FullName;
    }
}
