def test_try(house, visitor, browser):
    import time
    from tests.browser.visitor import Visitor
    visitor.sign_in("ngo_a_caseworker")
    t=time.time(); visitor.look(); print("look", time.time()-t)
    with Visitor.at(house.url, browser, script=False) as other:
        other.sign_in("ngo_a_caseworker")
        t=time.time(); other.look(); print("look nojs", time.time()-t)
    t=time.time(); house.wait_for_sweeps(1); print(time.time()-t)
