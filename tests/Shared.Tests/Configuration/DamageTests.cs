using System.Text;
using Mcn.Web.Shared.Configuration;

namespace Mcn.Web.Shared.Tests.Configuration;

public sealed class DamageTests : ConfigFixture
{
    const string Sample = """
        { "format_version": 1, "name": "x", "devices": ["cpu"], "data": { "train_csv": "a", "features_path": "b", "caption_path": "c",
          "word2vec_path": "d", "batch_size": 64, "min_time": 1.5 }, /* y */ "model": { "layer_widths": [1, 2, 3, 4, 5], "recon": true },
          "objective": { "cluster_size": 32, "no_audio": false }, "compatibility": { "optimistic_ties": true } }
        """;

    static readonly string[] Splinters =
        ["null", "[]", "{}", "\"\"", "\"\\u0000\"", "\"\\ud800\"", "-1", "1e999", "99999999999999999999", "0.5", "true", "\n", ",", "\uFEFF", "data", "{"];

    [Fact]
    public void A_damaged_file_gives_a_configuration_or_mistakes_of_one_line_each()
    {
        var original = Encoding.UTF8.GetBytes(Sample);
        var state = 12345u;
        int Next(int bound) => (int)((state = state * 1664525u + 1013904223u) >> 8) % bound;

        for (var round = 0; round < 3000; round++)
        {
            var bytes = original.ToList();
            for (var hits = Next(3); hits >= 0; hits--)
            {
                var place = Next(bytes.Count);
                if (Next(3) == 0) bytes[place] = (byte)Next(256);
                else if (Next(2) == 0) bytes.RemoveRange(place, Math.Min(Next(12), bytes.Count - place));
                else bytes.InsertRange(place, Encoding.UTF8.GetBytes(Splinters[Next(Splinters.Length)]));
            }

            File.WriteAllBytes(ConfigPath, [.. bytes]);
            try
            {
                var config = RunConfigFile.Read(ConfigPath, []);
                Assert.Empty(RunConfigRules.Check(config));
                RunConfigFile.Write(ConfigPath, config);
                Assert.Equal(RunConfigFile.Sha256(config), RunConfigFile.Sha256(RunConfigFile.Read(ConfigPath, [])));
            }
            catch (RunConfigException error)
            {
                Assert.Equal(error.Mistakes.Count, error.Message.Split('\n').Length);
            }
        }
    }

    [Theory]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("-1e999")]
    [InlineData("\"\\u0000\"")]
    [InlineData("\uD800")]
    [InlineData("[[1]]")]
    [InlineData("")]
    public void Any_value_of_any_override_gives_a_configuration_or_mistakes(string value)
    {
        foreach (var key in RunConfigKeys.All)
        {
            try
            {
                Sound($"{key.Path}={value}");
            }
            catch (RunConfigException error)
            {
                Assert.NotEmpty(error.Mistakes);
            }
        }
    }
}
