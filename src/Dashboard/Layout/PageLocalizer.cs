using System.Globalization;
using Mcn.Web.Dashboard.Resources;
using Microsoft.Extensions.Localization;
using MudBlazor;

namespace Mcn.Web.Dashboard.Layout;

/// <summary>MudBlazor's own texts from our resources; it brings English only.</summary>
public sealed class PageLocalizer(IStringLocalizer<Words> words) : MudLocalizer
{
    public override LocalizedString this[string key]
    {
        get
        {
            var found = words[key];
            // MudBlazor falls back to its English text when it is told that ours was not found.
            return CultureInfo.CurrentUICulture.TwoLetterISOLanguageName == "en" ? new LocalizedString(key, key, resourceNotFound: true) : found;
        }
    }
}
