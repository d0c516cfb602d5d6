using System.Globalization;
using System.Text;

namespace Mcn.Web.Shared.Configuration;

/// <summary>docs/configuration.md, made from <see cref="RunConfigKeys"/> and the rules. A test compares the file with it.</summary>
public static class ConfigurationDocument
{
    const string Introduction = """
        # Configuration of a run

        <!-- Generated from src/Shared/Configuration/RunConfigKeys.cs and RunConfigRules.List.cs. Do not edit: change those, then run
             MCN_UPDATE_DOCS=1 dotnet run --project tests/Shared.Tests -->

        A run is configured by one JSON file; `//` and `/* */` comments and trailing commas are allowed. Keys have the names of
        the original program's flags and lie in sections. Examples that work: [deploy/config](../deploy/config).

        The smallest file:

        ```json
        {
          "data": {
            "train_csv": "videos.csv",
            "features_path": "features",
            "caption_path": "caption.pickle",
            "word2vec_path": "GoogleNews-vectors-negative300.bin"
          }
        }
        ```

        * Every mistake is reported at once, one line each, nothing is started, and the exit code is 2. Unknown keys, keys that
          stand there twice and values of the wrong type are mistakes.
        * Relative paths start from the folder of the file. `~` is not expanded.
        * `--set key=value` changes a key for one run: `--set optimizer.lr=0.0003`, or the name alone where only one section has
          it (`--set lr=0.0003`). The value is JSON or plain text; of two, the later one wins. Relative paths typed there start
          from the current directory.
        * The run's folder keeps the resolved configuration, every key with its value and absolute paths, as `config.json`.
        * Defaults are the published recipe, except that mixed precision is not used.

        """;

    /// <summary>The whole file, with line feeds and a final one.</summary>
    public static string Render()
    {
        var text = new StringBuilder(Introduction.ReplaceLineEndings("\n"));
        foreach (var (section, about) in RunConfigKeys.Sections) AppendSection(text, section, about);
        text.Append("\n## Rules between keys\n\n");
        foreach (var rule in RunConfigRules.Rules)
            text.Append(CultureInfo.InvariantCulture, $"* {rule.Statement} ({string.Join(", ", rule.Keys.Select(key => $"`{key}`"))})\n");
        return text.ToString();
    }

    static void AppendSection(StringBuilder text, string section, string about)
    {
        text.Append(CultureInfo.InvariantCulture, $"\n## {(section.Length > 0 ? $"`{section}`" : "Top of the file")}\n\n{about}\n\n");
        text.Append("| key | value | default | unit | meaning |\n|---|---|---|---|---|\n");
        foreach (var key in RunConfigKeys.Of(section))
        {
            text.Append(CultureInfo.InvariantCulture,
                $"| `{key.Leaf}` | {Cell(key.Type.Expected)} | {Default(key)} | {Cell(key.Unit)} | {Cell(key.Doc)} |\n");
        }
    }

    static string Default(ConfigKey key) => key.IsRequired ? "**required**" : key.RequiredWithout is { } other ? $"**required** without `{other}`" : key.DefaultText ?? $"`{key.Default!.ToJsonString()}`";

    static string Cell(string text) => text.Replace("|", "\\|", StringComparison.Ordinal);
}
