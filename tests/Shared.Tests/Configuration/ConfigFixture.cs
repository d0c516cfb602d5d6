using Mcn.Web.Shared.Configuration;
using Mcn.Web.TestKit;

namespace Mcn.Web.Shared.Tests.Configuration;

/// <summary>A folder with one configuration file, and shorthands for reading it.</summary>
public abstract class ConfigFixture : IDisposable
{
    /// <summary>The required keys, so that a test writes only what it is about.</summary>
    protected const string Required =
        "\"train_csv\": \"videos.csv\", \"features_path\": \"features\", "
        + "\"caption_path\": \"caption.pickle\", \"word2vec_path\": \"words.bin\"";

    readonly TempFolder folder = new();

    protected string Folder => folder.Path;

    protected string ConfigPath => folder.File("toy.json");

    public void Dispose()
    {
        folder.Dispose();
        GC.SuppressFinalize(this);
    }

    protected RunConfig Read(string json, params string[] overrides)
    {
        File.WriteAllText(ConfigPath, json);
        return RunConfigFile.Read(ConfigPath, overrides);
    }

    /// <summary>Reads a file with the required keys, further keys of `data`, and further sections.</summary>
    protected RunConfig ReadWith(string data = "", string sections = "", params string[] overrides) =>
        Read($"{{ \"data\": {{ {Required}, {data} }}, {sections} }}", overrides);

    protected RunConfig Sound(params string[] overrides) => ReadWith(overrides: overrides);

    protected static IReadOnlyList<string> MistakesOf(Func<RunConfig> read)
    {
        var error = Assert.Throws<RunConfigException>(() => { read(); });
        Assert.Equal(2, error.ExitCode);
        var lines = error.Message.Split('\n');
        Assert.Equal(error.Mistakes.Count, lines.Length);
        return lines;
    }

    protected string OneMistake(Func<RunConfig> read) => Assert.Single(MistakesOf(read)).Replace(ConfigPath, "FILE",
        StringComparison.Ordinal);
}
