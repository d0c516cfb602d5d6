using System.Text.Json.Serialization;

namespace Mcn.Web.Shared.Crashes;

/// <summary>A sentence as code and parameters, for the page's language, and in English for logs and report files.</summary>
/// <param name="Code">The page's resource is named after it; a page that does not know it shows the English.</param>
[method: JsonConstructor]
public sealed record CodedText(string Code, string English, IReadOnlyDictionary<string, string> Parameters)
{
    public CodedText(string code, string english, params (string Name, string Value)[] parameters)
        : this(code, english, parameters.ToDictionary(p => p.Name, p => p.Value))
    {
    }

    public override string ToString() => English;
}
