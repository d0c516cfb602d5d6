namespace Mcn.Web.Dashboard.Resources;

/// <summary>Names the resource files: every visible text, in Words.resx (English) and Words.ja.resx.</summary>
public sealed class Words;
