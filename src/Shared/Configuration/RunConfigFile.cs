using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Mcn.Web.Shared.Configuration;

/// <summary>Configuration files: reading with every mistake at once, writing, and the identity of what was read.</summary>
public static class RunConfigFile
{
    /// <summary>
    /// Reads, defaults and checks a configuration. Whether its input files exist is asked by
    /// <see cref="RunConfigRules.CheckFiles"/>, so that a configuration can be read on another machine.
    /// </summary>
    /// <param name="path">A JSON file; comments and trailing commas are allowed. Relative paths in it start from its folder.</param>
    /// <param name="overrides">`key=value` of each `--set`; later ones win. Relative paths start from the current directory.</param>
    /// <exception cref="RunConfigException">Every mistake, one a line.</exception>
    public static RunConfig Read(string path, IReadOnlyList<string> overrides)
    {
        var root = ConfigJson.ReadFile(path);
        var reader = new RunConfigReader(path);
        var isOfThisVersion = reader.ReadFile(root);
        if (isOfThisVersion)
        {
            foreach (var assignment in overrides) ConfigOverride.Apply(assignment, reader);
        }

        return isOfThisVersion ? reader.Finish(DefaultName(path)) : throw reader.Failure();
    }

    /// <summary>
    /// Writes every key with its resolved value; reading it back gives an equal configuration. The file is there whole or not
    /// at all: it is written beside its place and renamed.
    /// </summary>
    public static void Write(string path, RunConfig config)
    {
        var temporary = path + ".tmp";
        try
        {
            using (var stream = new FileStream(temporary, FileMode.Create, FileAccess.Write))
            {
                JsonSerializer.Serialize(stream, config, McnJson.ForFiles.RunConfig);
                stream.WriteByte((byte)'\n');
                stream.Flush(flushToDisk: true);
            }

            File.Move(temporary, path, overwrite: true);
        }
        catch
        {
            if (File.Exists(temporary)) File.Delete(temporary);
            throw;
        }
    }

    /// <summary>
    /// One line of JSON with every key by its full name, sorted: equal for equal configurations, whatever the file looked
    /// like. Records compare lists by reference, so compare these.
    /// </summary>
    public static string CanonicalJson(RunConfig config)
    {
        var sorted = new JsonObject();
        foreach (var (key, value) in RunConfigTree.Flatten(config).OrderBy(pair => pair.Key, StringComparer.Ordinal))
            sorted[key] = JsonNode.Parse(value.GetRawText());
        return sorted.ToJsonString();
    }

    /// <summary>
    /// Hash of <see cref="CanonicalJson"/>, 64 hexadecimal digits: which run to continue. It changes when a version of the
    /// program adds a key, so compare with the hash of the run's `config.json` as this program reads it, not with a stored one.
    /// </summary>
    public static string Sha256(RunConfig config) =>
        Convert.ToHexStringLower(SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(CanonicalJson(config))));

    /// <summary>Every switch of section `compatibility` by its name, as it was resolved.</summary>
    public static IReadOnlyDictionary<string, bool> Switches(RunConfig config) =>
        JsonSerializer.SerializeToElement(config.Compatibility, McnJson.Default.CompatibilityConfig).EnumerateObject()
            .ToDictionary(member => member.Name, member => member.Value.GetBoolean());

    /// <summary>The switches of a configuration that says nothing about them, for what has no configuration.</summary>
    public static CompatibilityConfig DefaultCompatibility()
    {
        var section = new JsonObject();
        foreach (var key in RunConfigKeys.Of(RunConfigKeys.Compatibility)) section[key.Leaf] = key.Default!.DeepClone();
        return section.Deserialize(McnJson.Default.CompatibilityConfig)!;
    }

    static string DefaultName(string path)
    {
        var name = Path.GetFileNameWithoutExtension(path);
        return RunConfigKeys.Find(RunConfigKeys.Name)!.Type.Read(ConfigJson.FromText(name), "/", out _) is null ? "run" : name;
    }
}
