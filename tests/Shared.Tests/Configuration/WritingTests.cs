using Mcn.Web.Shared.Configuration;

namespace Mcn.Web.Shared.Tests.Configuration;

public sealed class WritingTests : ConfigFixture
{
    [Fact]
    public void What_is_written_reads_back_to_the_same_configuration()
    {
        var config = ReadWith(
            "\"features_path_audio\": \"音声\"",
            "\"name\": \"実験 <1>\", \"compatibility\": \"original\", "
                + "\"evaluation\": { \"eval_files\": [\"a\", \"b\"] }, \"optimizer\": { \"lr\": 0.1 }");
        // In another folder and under another name: neither may matter any more.
        var path = Path.Combine(Directory.CreateDirectory(Path.Combine(Folder, "run")).FullName, "config.json");

        RunConfigFile.Write(path, config);
        RunConfigFile.Write(path, config);

        var again = RunConfigFile.Read(path, []);
        Assert.Equal(RunConfigFile.CanonicalJson(config), RunConfigFile.CanonicalJson(again));
        Assert.Equal(config.Name, again.Name);
        Assert.Equal(config.Evaluation.EvalFiles, again.Evaluation.EvalFiles);
        Assert.Equal([path], Directory.GetFiles(Path.GetDirectoryName(path)!));
        Assert.Contains("音声", File.ReadAllText(path), StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_cannot_be_written_leaves_nothing_behind()
    {
        var target = Directory.CreateDirectory(Path.Combine(Folder, "taken")).FullName;
        var config = Sound();
        Assert.ThrowsAny<Exception>(() => RunConfigFile.Write(target, config));
        Assert.False(File.Exists(target + ".tmp"));
    }

    [Fact]
    public void The_hash_does_not_depend_on_order_comments_or_numerals()
    {
        var one = ReadWith("\"batch_size\": 64, \"min_time\": 10", "\"seed\": 3");
        var other = Read($"{{ \"seed\": 3.0, // same\n \"data\": {{ \"min_time\": 1e1, \"batch_size\": 6.4e1, {Required} }} }}");
        Assert.Equal(RunConfigFile.Sha256(one), RunConfigFile.Sha256(other));
        Assert.Matches("^[0-9a-f]{64}$", RunConfigFile.Sha256(one));
    }

    [Fact]
    public void The_hash_depends_on_every_key()
    {
        var config = Sound();
        var narrower = config.Model with { LayerWidths = [128, 128, 256, 512, 1023] };
        var hashes = new HashSet<string> { RunConfigFile.Sha256(config) };
        Assert.True(hashes.Add(RunConfigFile.Sha256(config with { Name = "other" })));
        Assert.True(hashes.Add(RunConfigFile.Sha256(config with { Model = narrower })));
        Assert.True(hashes.Add(RunConfigFile.Sha256(config with { Optimizer = config.Optimizer with { Lr = 1.0000001e-4 } })));
        Assert.Equal(RunConfigKeys.All.Select(key => key.Path).Order(StringComparer.Ordinal),
            System.Text.Json.JsonDocument.Parse(RunConfigFile.CanonicalJson(config)).RootElement.EnumerateObject().Select(member =>
                member.Name));
    }
}
