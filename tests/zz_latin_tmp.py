import re, html
from collections import Counter
import pytest
def text(p):
    p=re.sub(r'<(script|style|head).*?</\1>','',p,flags=re.S)
    return html.unescape(re.sub(r'<[^>]*>','\n',p))
def test_crawl(sign_in):
    seen=Counter(); n=0
    for who in ["ngo_a_caseworker","iom_supervisor","iom_approver","iom_finance","administrator"]:
        c=sign_in(who); c.cookies["django_language"]="ne"
        todo=["/","/cases/","/grants/","/follow-ups/","/programmes/","/notices/","/admin/"]; done=set(); per=Counter()
        while todo:
            u=todo.pop(0)
            key=re.sub(r'[0-9a-f-]{36}|[A-Z0-9]{2,}-[A-Z0-9-]+|\d+','#',u.split('?')[0])
            if u in done or per[key]>=3: continue
            per[key]+=1
            done.add(u); r=c.get(u)
            if r.status_code!=200 or 'html' not in r.get('Content-Type',''): continue
            n+=1; p=r.content.decode()
            for line in text(p).split('\n'):
                line=line.strip()
                if re.search('[A-Za-z]{3}',line): seen[(line[:110],key)]+=1
            for h in re.findall(r'href="(/[^"#]*|\?[^"#]*)"',p):
                h=html.unescape(h)
                if h.startswith('?'): h=u.split('?')[0]+h
                if not h.startswith('/static') and 'jsi18n' not in h: todo.append(h)
    out={}
    for (l,k),v in seen.items(): out.setdefault(l,[]).append(k)
    print(n)
    for l,k in sorted(out.items()): print(repr(l),len(k),k[0])
