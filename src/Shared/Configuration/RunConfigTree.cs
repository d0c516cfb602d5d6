using System.Text.Json;
using System.Text.Json.Nodes;

namespace Mcn.Web.Shared.Configuration;

/// <summary>Between the record and its values by key; the serializer does the naming, so no key is written down here.</summary>
static class RunConfigTree
{
    internal static RunConfig Build(Func<ConfigKey, JsonNode> valueOf)
    {
        var root = new JsonObject();
        foreach (var key in RunConfigKeys.All)
        {
            var section = root;
            if (key.Section.Length > 0) section = (JsonObject)(root[key.Section] ??= new JsonObject());
            section[key.Leaf] = valueOf(key).DeepClone(); // a node has one parent, and defaults are shared
        }

        return root.Deserialize(McnJson.Default.RunConfig)!;
    }

    /// <summary>`section.key` and value, in the order of the records.</summary>
    internal static IEnumerable<KeyValuePair<string, JsonElement>> Flatten(RunConfig config)
    {
        foreach (var member in JsonSerializer.SerializeToElement(config, McnJson.Default.RunConfig).EnumerateObject())
        {
            if (member.Value.ValueKind != JsonValueKind.Object)
            {
                yield return new(member.Name, member.Value);
                continue;
            }

            foreach (var inner in member.Value.EnumerateObject()) yield return new($"{member.Name}.{inner.Name}", inner.Value);
        }
    }
}
